#include "collector/ctl/topic_flags.h"

#include "collector/ctl/printable.h"

#include <CLI/CLI.hpp>

namespace logboom::ctl {

namespace {

constexpr const char* topic_examples = R"(
Examples:
  logboomctl topic list
  logboomctl topic create app --partitions 6
  logboomctl topic describe app
  logboomctl topic offsets app --at -1h
  logboomctl topic delete app
)";
constexpr const char* list_examples = R"(
Examples:
  logboomctl topic list
  logboomctl topic list --json
)";
constexpr const char* create_examples = R"(
Examples:
  logboomctl topic create app --partitions 6
  logboomctl topic create app web --if-not-exists
  logboomctl topic create audit --dry-run
)";
constexpr const char* describe_examples = R"(
Examples:
  logboomctl topic describe app
  logboomctl topic describe app web --json
)";
constexpr const char* delete_examples = R"(
Examples:
  logboomctl topic delete app                  asks first
  logboomctl topic delete app web --yes --if-exists
  logboomctl topic delete app --dry-run
)";
constexpr const char* offsets_examples = R"(
Examples:
  logboomctl topic offsets app
  logboomctl topic offsets app web --json
  logboomctl topic offsets app --at 2026-11-22T10:00:00Z --at -15m
)";

}  // namespace

TopicFlags::TopicFlags(CLI::App& app) {
    topic_ = app.add_subcommand("topic", "List, create, look at and delete topics");
    topic_->require_subcommand(1)->fallthrough();
    topic_->footer(topic_examples);
    list_ = topic_->add_subcommand("list", "All topics with their partitions");
    list_->fallthrough();
    list_->footer(list_examples);
    add_create();
    add_describe();
    add_delete();
    add_offsets();
}

void TopicFlags::add_create() {
    create_ = topic_->add_subcommand("create", "Create topics");
    create_->fallthrough();
    create_->footer(create_examples);
    create_->add_option("NAME", names_, "1-249 of letters, digits, '.', '_', '-'")->required();
    partitions_given_ =
        create_
            ->add_option(
                "-p,--partitions", partitions_, "number of partitions (default: the broker's)"
            )
            ->check(CLI::PositiveNumber);
    replicas_given_ =
        create_->add_option("-r,--replicas", replicas_, "copies of each (default: the broker's)")
            ->check(CLI::PositiveNumber);
    create_->add_option("-c,--config", configs_, "KEY=VALUE, repeatable")->allow_extra_args(false);
    create_->add_flag("--if-not-exists", if_not_exists_, "an existing topic is fine");
    create_->add_flag("--dry-run", dry_run_, "check only");
}

void TopicFlags::add_describe() {
    describe_ = topic_->add_subcommand("describe", "Partitions, offsets and settings of topics");
    describe_->fallthrough();
    describe_->footer(describe_examples);
    describe_->add_option("NAME", names_, "topics")->required();
}

void TopicFlags::add_delete() {
    delete_ = topic_->add_subcommand("delete", "Delete topics with all their records");
    delete_->fallthrough();
    delete_->footer(delete_examples);
    delete_->add_option("NAME", names_, "topics")->required();
    delete_->add_flag("-y,--yes", yes_, "do not ask");
    delete_->add_flag("--if-exists", if_exists_, "a missing topic is fine");
    delete_->add_flag("--dry-run", dry_run_, "say what would be deleted");
}

void TopicFlags::add_offsets() {
    offsets_ = topic_->add_subcommand("offsets", "First and last offsets, and those of a time");
    offsets_->fallthrough();
    offsets_->footer(offsets_examples);
    offsets_->add_option("NAME", names_, "topics")->required();
    offsets_->add_option("--at", times_, "the first record at or after a TIME; repeatable")
        ->allow_extra_args(false);
}

bool TopicFlags::is_asked_for() const {
    return topic_->parsed();
}

Outcome<TopicCreateOptions> TopicFlags::create_options(const GlobalFlags& globals) const {
    TopicCreateOptions options;
    options.names = names_;
    options.is_existing_fine = if_not_exists_;
    options.is_dry_run = dry_run_;
    if (partitions_given_->count() > 0) {
        options.partitions = partitions_;
    }
    if (replicas_given_->count() > 0) {
        options.replicas = replicas_;
    }
    for (const std::string& config : configs_) {
        const std::size_t equals = config.find('=');
        if (equals == std::string::npos || equals == 0) {
            return usage(
                "'" + printable(config) + "' is no setting", "--config retention.ms=86400000"
            );
        }
        options.configs.push_back(TopicConfig{config.substr(0, equals), config.substr(equals + 1)});
    }
    LB_TRY(options.format, list_format_of(globals));
    return options;
}

Outcome<TopicCommand> TopicFlags::command(const GlobalFlags& globals) const {
    LB_TRY(const ListFormat format, list_format_of(globals));
    if (list_->parsed()) {
        return TopicCommand(TopicListOptions{.format = format});
    }
    if (create_->parsed()) {
        LB_TRY(TopicCreateOptions options, create_options(globals));
        return TopicCommand(std::move(options));
    }
    if (describe_->parsed()) {
        return TopicCommand(TopicDescribeOptions{.names = names_, .format = format});
    }
    if (delete_->parsed()) {
        return TopicCommand(TopicDeleteOptions{
            .names = names_,
            .is_sure = yes_,
            .is_missing_fine = if_exists_,
            .is_dry_run = dry_run_,
            .format = format});
    }
    TopicOffsetsOptions options;
    options.names = names_;
    options.times = times_;
    options.zone = zone_of(globals);
    options.format = format;
    return TopicCommand(std::move(options));
}

}  // namespace logboom::ctl
