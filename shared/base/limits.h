// Every limit of the programs, with its reason. A queue, cache, window, retry or loop over input has
// one of these; a full queue answers, it does not grow.
#pragma once

#include <cstddef>
#include <cstdint>

namespace logboom::limits {

/// Lines of our own log that may wait for a slow terminal. Their places are made at the start, about
/// 400 B each: 400 KiB.
inline constexpr std::size_t log_queue_lines = 1024;

// --- Records -------------------------------------------------------------------------------------

/// Bytes of Kafka's record batch header, format v2.
inline constexpr std::uint32_t batch_header_bytes = 61;

/// Longest line the agent ships as one record (`line_bytes_max`); longer ones are split (T34).
inline constexpr std::uint32_t line_bytes_max = 1u << 20;

/// Room for one record's headers: lb.* values of a path of 4096 bytes, a host name of 255, a cursor
/// of a few hundred bytes, and user labels.
inline constexpr std::uint32_t record_headers_bytes_max = 64u << 10;

/// Largest record batch we accept (`[limits] max_message_bytes`). A line of `line_bytes_max` with its
/// headers must fit one batch, also when it does not compress at all.
inline constexpr std::uint32_t batch_bytes_max = 8u << 20;
static_assert(line_bytes_max + record_headers_bytes_max + batch_header_bytes <= batch_bytes_max);

/// Most records of one batch: baseOffset + delta is 31 bits, and a count above this in a header of
/// 8 MiB cannot be true (a record has at least 7 bytes).
inline constexpr std::uint32_t batch_records_max = batch_bytes_max / 7;

/// Largest sum of a batch's records after decompression, wherever we decompress: a bomb of a few KiB
/// must not cost a shard its memory. An agent's raw batch is at most a line and 256 KiB.
inline constexpr std::uint32_t batch_raw_bytes_max = 4 * batch_bytes_max;

// --- Networking ----------------------------------------------------------------------------------

/// Largest frame on Kafka's door. Kafka's own default is 100 MiB; ours bounds what one connection can
/// make us hold: several partitions' batches in one Produce.
inline constexpr std::uint32_t kafka_frame_bytes_max = 32u << 20;
static_assert(kafka_frame_bytes_max >= batch_bytes_max + (64u << 10));

/// Largest payload of a frame on our own doors: a request of 4 MiB (D16) or one batch alone.
inline constexpr std::uint32_t rpc_payload_bytes_max = batch_bytes_max + (64u << 10);
/// Largest Protobuf header of a frame: a Hello of `agent_streams_per_hello` streams of 4 KiB paths.
inline constexpr std::uint32_t rpc_header_bytes_max = 4u << 20;

/// Batches in one ShipRequest, so that the envelopes (a topic name each and about 80 bytes) fit
/// `rpc_request_header_bytes_max`.
inline constexpr std::uint32_t rpc_batches_per_request_max = 128;
/// Largest Protobuf header of a request. Small, since a parsed message takes many times its bytes and
/// anybody who can connect may send one; replies come from a collector that the agent chose.
inline constexpr std::uint32_t rpc_request_header_bytes_max = 64u << 10;
static_assert(rpc_batches_per_request_max * (249u + 80u) <= rpc_request_header_bytes_max);

/// Connections of one door. Each idle one costs about 12 KiB with the kernel's part.
inline constexpr std::uint32_t connections_max = 20'000;
/// Listen backlog: ten thousand agents reconnect at once.
inline constexpr int listen_backlog = 4096;

/// Elements of all arrays in one message. Kafka's own decoder takes a million; a request names topics and
/// partitions, and at 200 B each decoded these are 20 MB and a few milliseconds of a shard.
inline constexpr std::uint32_t kafka_array_max = 100'000;
inline constexpr std::uint32_t kafka_tags_max = 10'000;

/// Bytes of small Kafka requests being worked on at once in one shard: they do not wait behind large ones.
inline constexpr std::uint32_t kafka_small_frame_bytes = 64u << 10;
inline constexpr std::uint64_t kafka_small_frames_bytes_max = 16u << 20;
/// Bytes of large requests being worked on at once in one door of a node, over its shards.
inline constexpr std::uint64_t door_request_bytes_max = 48ull << 20;
/// Requests of one connection that are worked on at once. Java keeps 5 in flight, librdkafka many more:
/// those wait in the socket.
inline constexpr std::size_t kafka_pipelined_max = 32;

/// Settings described in one answer: at about 400 B each in memory 20 MB at most. All settings of 1500
/// topics; who asks for more is told to ask in pieces.
inline constexpr std::size_t kafka_described_settings_max = 50'000;

/// Largest answer to one Fetch (Kafka's `fetch.max.bytes` is 55 MiB; ours leaves a shard's pool room
/// for other connections).
inline constexpr std::uint32_t fetch_bytes_max = 16u << 20;

/// Largest HTTP request head and body of our small HTTP server.
inline constexpr std::uint32_t http_head_bytes_max = 16u << 10;
inline constexpr std::uint32_t http_body_bytes_max = 64u << 10;
/// What a client of ours takes of an answer: a list of ten thousand agents is 2 MB.
inline constexpr std::uint32_t http_response_body_bytes_max = 64u << 20;
/// Agents that are remembered after they have gone, of each node; about 200 B each.
inline constexpr std::uint32_t agents_remembered_max = 100'000;

// --- Names ---------------------------------------------------------------------------------------

/// Kafka's limit of a topic name; it is not a file name here, the topic's id is.
inline constexpr std::size_t topic_name_bytes_max = 249;
inline constexpr std::int32_t partitions_per_topic_max = 10'000;
inline constexpr std::uint32_t topics_max = 10'000;
/// Partitions of one node: each costs a file, about 2 KiB and a row of the recovery checkpoint.
inline constexpr std::uint32_t partitions_per_node_max = 100'000;
/// Shards of one node: interest in a partition is a bit of each in one word.
inline constexpr std::size_t shards_max = 64;

// --- Storage -------------------------------------------------------------------------------------

/// A segment is rolled at this size unless configured (`[topic_defaults] segment_bytes`).
inline constexpr std::uint64_t segment_bytes_default = 256ull << 20;
/// Smallest size that can be configured: smaller ones would be nothing but files.
inline constexpr std::int64_t segment_bytes_min = 64 << 10;
/// Closed segments are deleted when their newest record is older, unless configured (`retention.ms`):
/// Kafka's week.
inline constexpr std::int64_t retention_ms_default = 7ll * 24 * 3600 * 1000;
/// A segment with records is closed at this age, unless configured (`segment.ms`), so that retention by
/// time is at most so late.
inline constexpr std::int64_t segment_ms_default = 3600ll * 1000;
/// A producer's clock may be so far ahead of ours (`message.timestamp.after.max.ms`); later times would keep
/// a log from ever being deleted.
inline constexpr std::int64_t timestamp_after_max_ms_default = 24ll * 3600 * 1000;
/// One entry of the offset index per this many bytes of log.
inline constexpr std::uint32_t index_interval_bytes = 4096;
/// Room for the largest index: a segment's file positions are 31 bits.
inline constexpr std::uint64_t segment_bytes_max = (1ull << 31) - 1;
static_assert(segment_bytes_default <= segment_bytes_max);
/// Bytes of one write to a log (F3): large enough that calls cost nothing, small enough that a write
/// does not hold up the next sync.
inline constexpr std::uint32_t log_write_bytes_max = 1u << 20;
/// Bytes of one log that may wait to be written: more than the doors' budgets let in, so that it is met
/// only when those are wrong.
inline constexpr std::uint64_t log_pending_bytes_max = 128ull << 20;
/// fdatasync calls at once of one shard and log directory: more only queue in the kernel's workers.
inline constexpr std::size_t syncs_in_flight_max = 64;
/// Bytes of log written before a sync is begun although nobody waits for it.
inline constexpr std::uint64_t sync_dirty_bytes = 1ull << 20;
/// Steps in which the active segment's file grows ahead of its data (F8): they double with the segment,
/// so that thousands of quiet partitions do not reserve 32 MiB each.
inline constexpr std::uint64_t segment_step_bytes_min = 1ull << 20;
inline constexpr std::uint64_t segment_step_bytes_max = 32ull << 20;
/// Closed segments of one log whose files stay open for readers.
inline constexpr std::size_t closed_segment_files_max = 4;
/// Bytes read from a log at once (F12).
inline constexpr std::uint32_t log_read_bytes = 256u << 10;
/// Recently appended bytes that one shard keeps for consumers at the end of its logs: a few seconds of
/// what a shard takes in.
inline constexpr std::uint64_t tail_cache_bytes_default = 32ull << 20;
/// A larger cache would be the page cache's work.
inline constexpr std::uint64_t tail_cache_bytes_max = 64ull << 30;
/// Cached batches up to this size are copied into chunks that several share: one of its own keeps at
/// least 4 KiB, many times as much as a batch of one record.
inline constexpr std::uint32_t tail_cache_packed_bytes_max = 8u << 10;
inline constexpr std::uint32_t tail_cache_room_bytes = 64u << 10;
static_assert(tail_cache_packed_bytes_max <= tail_cache_room_bytes / 8);
/// Positions of agents' streams in one partition; at about 500 B each 50 MB at most. The stream that was
/// silent for longest is forgotten first.
inline constexpr std::size_t cursor_streams_max = 100'000;
/// State snapshots of a partition that are kept: the newest, and spares for when it is damaged.
inline constexpr std::size_t state_snapshots_kept = 3;
/// Idempotent producers of one partition; at about 300 B each 6 MB at most. The one that was silent for
/// longest is forgotten first: a retry of its last batches would then be a second record. So many in the two
/// minutes in which clients retry are 160 new ones a second.
inline constexpr std::size_t producers_max = 20'000;
/// Last batches of a producer that are known, so that a retry of one is told from a new one. Clients keep no
/// more in flight.
inline constexpr std::size_t producer_batches_max = 5;
/// A producer that was silent for so long is forgotten, unless configured (`producer.id.expiration.ms`).
inline constexpr std::int64_t producer_expiration_ms_default = 24ll * 3600 * 1000;
/// Producer ids taken from the store at once; those not given out when the program ends are lost. There are
/// enough for 292 years of a block each microsecond.
inline constexpr std::int64_t producer_id_block = 1000;
/// A topic setting's value; the longest is a number of 20 digits.
inline constexpr std::size_t topic_setting_bytes_max = 32;
/// Settings of all topics together, so that their image fits a frame: 800 B for each of `topics_max`.
inline constexpr std::size_t topics_settings_bytes_max = 8u << 20;
/// Largest frame in a journal or checkpoint of ours: the image with `topics_max` topics of 249 B names,
/// their settings and about 40 B of fields each, or 100,000 partitions in a checkpoint.
inline constexpr std::uint32_t crc_frame_bytes_max = 16u << 20;
static_assert(
    topics_max * (topic_name_bytes_max + 64) + topics_settings_bytes_max <= crc_frame_bytes_max
);
static_assert(producers_max * (16 + producer_batches_max * 32) <= crc_frame_bytes_max);
/// Largest state snapshot: all streams with paths of 4 KiB, and a frame of each of the other sections.
inline constexpr std::size_t state_file_bytes_max = cursor_streams_max * (4096u + 512u)
                                                  + 2u * crc_frame_bytes_max;

// --- Agent ---------------------------------------------------------------------------------------

/// Streams named in one Hello, and positions in one answer; more follow in further ones.
inline constexpr std::uint32_t agent_streams_per_hello = 512;
/// The answer's positions have paths of up to 4 KiB.
static_assert(agent_streams_per_hello * (4096u + 512u) <= rpc_header_bytes_max);
/// Topics in one Hello; more follow in further ones.
inline constexpr std::uint32_t agent_topics_per_hello = 150;
static_assert(
    agent_topics_per_hello * (249u + 32u) + agent_streams_per_hello * 18u + 1024u
    <= rpc_request_header_bytes_max
);
/// Topics of one connection of an agent whose ids are remembered: at 350 B each 350 KB at most. Of further
/// ones it is not told when they were deleted meanwhile.
inline constexpr std::size_t agent_topics_told_max = 1000;
/// A host name (255), machine id or version in a Hello.
inline constexpr std::size_t agent_name_bytes_max = 255;
/// Source bytes in one batch before it is sealed (D16).
inline constexpr std::uint32_t agent_batch_bytes_default = 256u << 10;
/// Batches in flight per (stream, partition) (D3).
inline constexpr std::uint32_t agent_batches_in_flight_max = 5;
/// Unacknowledged bytes in flight per connection.
inline constexpr std::uint64_t agent_in_flight_bytes_default = 8ull << 20;
/// One request of the agent carries batches up to this sum (D16).
inline constexpr std::uint32_t agent_request_bytes_max = 4u << 20;
/// Bytes read from a file at once; also the room behind `line_bytes_max` in a splitter (T34).
inline constexpr std::uint32_t agent_read_block_bytes = 256u << 10;
/// Memory of data on its way through one agent, unless configured (`[agent] memory_max`, D18).
inline constexpr std::uint64_t agent_memory_default = 64ull << 20;
/// Bytes of a batch's records at which it is sealed, per byte of `[output] batch_bytes_max`: lines may be
/// shorter than their headers.
inline constexpr std::uint32_t agent_batch_raw_factor = 4;
/// What a reader may add to that memory before it looks again whether there is room: a batch of raw bytes R
/// that is being filled (its buffer grows by halves, and the old one is there until the new one is filled:
/// 2.5 R), sealed (R) and copied (R), one line of the longest size in four buffers, and a block that it is
/// read with. 8 R + 4 MiB are more than that.
[[nodiscard]] constexpr std::uint64_t agent_memory_reserve(const std::uint32_t batch_bytes
) noexcept {
    const std::uint64_t raw = std::uint64_t{agent_batch_raw_factor} * batch_bytes;
    return 8 * (raw < batch_bytes_max ? raw : batch_bytes_max) + (4u << 20);
}
static_assert(2 * agent_memory_reserve(agent_batch_bytes_default) <= agent_memory_default);
/// Files one agent holds open, unless configured; half of RLIMIT_NOFILE if that is less (T25).
inline constexpr std::uint32_t agent_open_files_default = 4096;

// --- Configuration -------------------------------------------------------------------------------

/// A configuration file larger than this is no configuration file.
inline constexpr std::size_t config_file_bytes_max = 4u << 20;
/// Problems of a configuration that are shown; the rest is counted. More than a person reads at once.
inline constexpr std::size_t config_problems_max = 100;
/// Drop-in files of one configuration.
inline constexpr std::size_t config_files_max = 1000;

}  // namespace logboom::limits
