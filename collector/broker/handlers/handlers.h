// The handlers, one file each. A handler decodes its own body, answers every partition by itself, and
// closes the connection only where the protocol has no other word.
#pragma once

#include "collector/broker/broker.h"

namespace logboom::broker {

Task<Reply> handle_api_versions(Broker& broker, Request request);
Task<Reply> handle_metadata(Broker& broker, Request request);
Task<Reply> handle_produce(Broker& broker, Request request);
Task<Reply> handle_fetch(Broker& broker, Request request);
Task<Reply> handle_list_offsets(Broker& broker, Request request);
Task<Reply> handle_find_coordinator(Broker& broker, Request request);
Task<Reply> handle_create_topics(Broker& broker, Request request);
Task<Reply> handle_delete_topics(Broker& broker, Request request);
Task<Reply> handle_init_producer_id(Broker& broker, Request request);
Task<Reply> handle_describe_configs(Broker& broker, Request request);
Task<Reply> handle_create_partitions(Broker& broker, Request request);

}  // namespace logboom::broker
