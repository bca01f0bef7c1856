#include "collector/ctl/failure.h"

namespace logboom::ctl {

namespace {

using kafka::KafkaError;

ExitCode exit_code_of(const KafkaError error) noexcept {
    switch (error) {
    case KafkaError::unknown_topic_or_partition:
    case KafkaError::unknown_topic_id:
    case KafkaError::offset_out_of_range:
    case KafkaError::group_id_not_found: return ExitCode::not_found;
    case KafkaError::topic_authorization_failed:
    case KafkaError::group_authorization_failed:
    case KafkaError::cluster_authorization_failed:
    case KafkaError::sasl_authentication_failed:
    case KafkaError::unsupported_sasl_mechanism:
    case KafkaError::illegal_sasl_state: return ExitCode::denied;
    case KafkaError::request_timed_out: return ExitCode::timed_out;
    case KafkaError::topic_already_exists:
    case KafkaError::non_empty_group: return ExitCode::conflict;
    default: return ExitCode::failed;  // of some 130 codes these few have an exit code of their own
    }
}

}  // namespace

Failure usage(std::string what, std::string hint) {
    return Failure{.exit_code = ExitCode::usage, .what = std::move(what), .hint = std::move(hint)};
}

std::string to_string(const Failure& failure) {
    std::string text = "error: " + failure.what + "\n";
    if (!failure.tried.empty()) {
        text += "  tried: " + failure.tried + "\n";
    }
    if (!failure.hint.empty()) {
        text += "  try:   " + failure.hint + "\n";
    }
    return text;
}

Failure failure_of(
    const kafka::KafkaError error, std::string what, std::optional<std::string> message
) {
    what += ": ";
    what += message.has_value() && !message->empty() ? *message : std::string(to_string(error));
    return Failure{.exit_code = exit_code_of(error), .what = std::move(what)};
}

}  // namespace logboom::ctl
