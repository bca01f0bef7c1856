// The local store on a simulated machine.
#pragma once

#include "collector/metadata/local_meta_store.h"
#include "shared/codec/crc_frame.h"
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

namespace logboom::tests {

struct StoreWorld {
    explicit StoreWorld(const std::uint64_t seed = 1) : machine(options_of(seed)) {}
    static sim::SimMachineOptions options_of(const std::uint64_t seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        return options;
    }

    Result<Ok> open(const std::optional<BrokerId> node_id = std::nullopt) {
        metadata::LocalMetaStoreOptions options;
        options.dir = dir;
        options.node_id = node_id;
        store = &machine.make<metadata::LocalMetaStore>(machine.env(), options);
        return machine.run(store->open());
    }
    void must_open() { BOOST_REQUIRE(open().has_value()); }
    /// A clean stop and the next start.
    void reopen() {
        machine.run(store->close());
        machine.end_program();
        machine.start();
        must_open();
    }
    void kill() { machine.restart_after(sim::CrashKind::killed); }
    void lose_power() { machine.restart_after(sim::CrashKind::power_loss); }

    Result<metadata::ImagePtr> remove(const std::string& name) {
        return machine.run(store->delete_topic(id_of(name)));
    }
    [[nodiscard]] record::Id128 id_of(const std::string& name) const {
        const metadata::ImagePtr image = store->image();
        BOOST_REQUIRE(image->find(name) != nullptr);
        return image->find(name)->id;
    }
    Result<metadata::ImagePtr> create(const std::string& name, const std::int32_t partitions = 1) {
        return machine.run(store->create_topic(metadata::NewTopic(name, partitions)));
    }
    void must_create(const std::string& name, const std::int32_t partitions = 1) {
        BOOST_REQUIRE(create(name, partitions).has_value());
    }
    [[nodiscard]] std::int32_t epoch_of(const std::string& name) const {
        const metadata::ImagePtr image = store->image();
        BOOST_REQUIRE(image->find(name) != nullptr);
        return image->find(name)->partitions.front().leader_epoch.value;
    }
    /// Puts records into the place of the journal's.
    void put_journal(const std::vector<metadata::JournalRecord>& records) {
        Buffer file;
        codec::append_file_head("LBMJ", metadata::journal_version, file);
        for (const metadata::JournalRecord& record : records) {
            Buffer payload;
            encode(record, payload);
            codec::append_crc_frame(payload.view(), file);
        }
        machine.set_content(dir + "/journal", as_text(file.view()));
    }

    inline static const std::string dir = "/data/metadata";

    sim::SimMachine machine;
    metadata::LocalMetaStore* store = nullptr;
};

}  // namespace logboom::tests
