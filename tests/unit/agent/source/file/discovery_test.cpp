#include "agent/source/file/discovery.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Paths = std::vector<std::string>;

/// A discovery alone.
struct DiscoveryBench {
    FileInput& add_input(const Paths& include, const Paths& exclude = {}) {
        inputs.push_back(
            {.name = "input" + std::to_string(inputs.size()),
             .topic = "logs",
             .paths = PathSet(include, exclude)}
        );
        return inputs.back();
    }
    void start() {
        discovery = &machine.make<Discovery>(machine.env(), inputs, registry);
        machine.run(discovery->start());
    }
    void make_file(const std::string& path) {
        apps.make_dirs(std::string(parent_of(path)));
        apps.write(path, "x\n");
    }
    /// What a scan finds, in byte order.
    Paths scan() {
        found = machine.run(discovery->scan());
        Paths paths;
        for (const FoundFile& file : found) {
            paths.push_back(file.path);
        }
        std::ranges::sort(paths);
        return paths;
    }
    /// What is told within a second.
    Changes changes() {
        Changes all;
        const SteadyTime end = machine.events().now() + 1s;
        machine.events().after(1s, [] {});
        while (machine.events().now() < end) {
            if (!asked) {
                asked = machine.begin(discovery->next());
            }
            machine.run_until([this, end] {
                return asked->is_there() || machine.events().now() >= end;
            });
            if (asked->is_there()) {
                const Changes& some = *asked->value();
                all.written.insert(all.written.end(), some.written.begin(), some.written.end());
                all.renamed.insert(all.renamed.end(), some.renamed.begin(), some.renamed.end());
                all.must_rescan = all.must_rescan || some.must_rescan;
                asked.reset();
            }
        }
        return all;
    }
    [[nodiscard]] std::size_t directories_listed() {
        std::size_t listed = 0;
        machine.judge_ops([&listed](const io::Op& op) {
            listed += op.kind == io::OpKind::list_dir ? 1 : 0;
            return sim::OpGate::passes;
        });
        static_cast<void>(scan());
        machine.judge_ops(nullptr);
        return listed;
    }
    [[nodiscard]] bool has_metric(const std::string& line) const {
        return registry.text().find(line + "\n") != std::string::npos;
    }

    sim::SimMachine machine;
    Applications apps{machine};
    metrics::Registry registry;
    std::vector<FileInput> inputs;
    Discovery* discovery = nullptr;
    std::vector<FoundFile> found;
    std::optional<sim::Outcome<Result<Changes>>> asked;
};

bool has(const Paths& paths, const std::string& path) {
    return std::ranges::find(paths, path) != paths.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(discovery)

// --- T1 to T5: what a walk finds -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_walk_finds_what_the_globs_mean_and_nothing_else) {
    DiscoveryBench bench;
    for (const char* const path :
         {"/var/log/a.log",
          "/var/log/b.txt",
          "/var/log/sub/c.log",
          "/srv/x/log/d.log",
          "/srv/y/log/e.log",
          "/srv/y/other/f.log",
          "/opt/deep/er/still/g.log"}) {
        bench.make_file(path);
    }
    bench.add_input({"/var/log/*.log", "/srv/*/log/*.log", "/opt/**/*.log", "/var/log/b.txt"});
    bench.start();
    BOOST_TEST(
        bench.scan()
            == (Paths{
                "/opt/deep/er/still/g.log",
                "/srv/x/log/d.log",
                "/srv/y/log/e.log",
                "/var/log/a.log",
                "/var/log/b.txt"}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_file_that_several_globs_and_inputs_mean_is_found_once_for_the_first_of_them
) {
    DiscoveryBench bench;
    bench.make_file("/var/log/a.log");
    bench.add_input({"/var/log/a*", "/var/**/*.log"});
    bench.add_input({"/var/log/*.log"});
    bench.start();
    BOOST_TEST(bench.scan() == Paths{"/var/log/a.log"}, boost::test_tools::per_element());
    BOOST_TEST(bench.found.at(0).input->name == "input0");
    BOOST_TEST(bench.discovery->input_of("/var/log/a.log")->name == "input0");
    BOOST_TEST(bench.discovery->input_of("/var/log/b.log")->name == "input0");
    BOOST_TEST(bench.discovery->input_of("/srv/b.log") == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_excluded_is_not_found) {
    // T3.
    DiscoveryBench bench;
    bench.make_file("/var/log/a.log");
    bench.make_file("/var/log/debug.log");
    bench.make_file("/var/log/a.log.1.gz");
    bench.add_input({"/var/log/*"}, {"debug*"});
    bench.start();
    BOOST_TEST(bench.scan() == Paths{"/var/log/a.log"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_directories_that_can_lead_to_a_match_are_entered) {
    // T1.
    DiscoveryBench bench;
    for (int i = 0; i < 20; ++i) {
        bench.make_file("/srv/other" + std::to_string(i) + "/log/a.log");
        bench.make_file("/srv/app/cache/" + std::to_string(i) + "/a.log");
    }
    bench.make_file("/srv/app/log/a.log");
    bench.add_input({"/srv/app/**/*.log"}, {"/srv/app/cache/**"});
    bench.start();
    BOOST_TEST(bench.directories_listed() <= 4u);
    BOOST_TEST(bench.scan() == Paths{"/srv/app/log/a.log"}, boost::test_tools::per_element());
    BOOST_TEST(bench.has_metric("logboom_agent_watches 2"));
}

BOOST_AUTO_TEST_CASE(a_link_to_a_file_is_found_by_its_own_name_unless_its_target_is_excluded) {
    // T3, T4.
    DiscoveryBench bench;
    bench.make_file("/data/a.txt");
    bench.make_file("/data/secret.txt");
    bench.apps.make_dirs("/var/log");
    bench.apps.make_link("/data/a.txt", "/var/log/a.log");
    bench.apps.make_link("../../data/secret.txt", "/var/log/b.log");
    bench.add_input({"/var/log/*.log"}, {"secret.*"});
    bench.start();
    BOOST_TEST(bench.scan() == Paths{"/var/log/a.log"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(directories_that_are_links_to_one_another_end) {
    // T4.
    DiscoveryBench bench;
    bench.make_file("/srv/a/x.log");
    bench.apps.make_link("/srv", "/srv/a/loop");
    bench.add_input({"/srv/*/*/*/x.log", "/srv/**/x.log"});
    bench.start();
    const Paths paths = bench.scan();
    BOOST_TEST(has(paths, "/srv/a/x.log"));
    BOOST_TEST(has(paths, "/srv/a/loop/a/x.log"));  // by the pattern that names each step
    BOOST_TEST(paths.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_tree_deeper_than_the_limit_is_left) {
    DiscoveryBench bench;
    std::string directory = "/srv";
    for (int i = 0; i < 40; ++i) {
        directory += "/d";
        bench.make_file(directory + "/x.log");
    }
    bench.add_input({"/srv/**/x.log"});
    bench.start();
    const std::size_t count = bench.scan().size();
    BOOST_TEST(count >= 30u);
    BOOST_TEST(count < 40u);
}

BOOST_AUTO_TEST_CASE(a_directory_is_never_found_as_a_file) {
    // T5.
    DiscoveryBench bench;
    bench.apps.make_dirs("/var/log/dir.log");
    bench.add_input({"/var/log/*.log", "/var/log/dir.log"});
    bench.start();
    BOOST_TEST(bench.scan().empty());
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_listed_hides_no_other) {
    // Law 8.
    DiscoveryBench bench;
    bench.make_file("/srv/a/x.log");
    bench.make_file("/srv/b/x.log");
    bench.add_input({"/srv/*/x.log"});
    bench.machine.judge_ops([](const io::Op& op) {
        const bool is_meant = op.kind == io::OpKind::list_dir
                           && op.path == std::string_view("/srv/a");
        return is_meant ? EACCES : sim::OpGate::passes;
    });
    bench.start();
    BOOST_TEST(bench.scan() == Paths{"/srv/b/x.log"}, boost::test_tools::per_element());
}

// --- T27, T28: what is told ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(many_files_of_one_directory_cost_one_watch) {
    // T27.
    DiscoveryBench bench;
    for (int i = 0; i < 200; ++i) {
        bench.make_file("/var/log/" + std::to_string(i) + ".log");
    }
    bench.add_input({"/var/log/*.log"});
    bench.start();
    BOOST_TEST(bench.scan().size() == 200u);
    BOOST_TEST(bench.scan().size() == 200u);
    BOOST_TEST(bench.has_metric("logboom_agent_watches 1"));
}

BOOST_AUTO_TEST_CASE(it_is_told_which_file_was_written_and_which_name_changed_hands) {
    // T1.
    DiscoveryBench bench;
    bench.make_file("/var/log/a.log");
    bench.make_file("/var/log/b.log");
    bench.add_input({"/var/log/*.log"});
    bench.start();
    static_cast<void>(bench.scan());
    bench.apps.write("/var/log/a.log", "more\n");
    Changes changes = bench.changes();
    BOOST_TEST(has(changes.written, "/var/log/a.log"));
    BOOST_TEST(!has(changes.written, "/var/log/b.log"));
    BOOST_TEST(!changes.must_rescan);
    bench.apps.rename("/var/log/a.log", "/var/log/c.log");
    bench.apps.remove("/var/log/b.log");
    bench.apps.write("/var/log/new.log", "x\n");
    changes = bench.changes();
    for (const char* const name : {"a", "b", "c", "new"}) {
        BOOST_TEST(has(changes.renamed, "/var/log/" + std::string(name) + ".log"), name);
    }
}

BOOST_AUTO_TEST_CASE(a_directory_that_comes_makes_everything_be_walked_again_and_is_watched_then) {
    DiscoveryBench bench;
    bench.apps.make_dirs("/srv");
    bench.add_input({"/srv/app/log/*.log"});
    bench.start();
    BOOST_TEST(bench.scan().empty());
    bench.apps.make_dirs("/srv/app");
    BOOST_TEST(bench.changes().must_rescan);
    BOOST_TEST(bench.scan().empty());
    bench.apps.make_dirs("/srv/app/log");
    BOOST_TEST(bench.changes().must_rescan);
    BOOST_TEST(bench.scan().empty());
    bench.apps.write("/srv/app/log/a.log", "x\n");
    BOOST_TEST(has(bench.changes().written, "/srv/app/log/a.log"));
}

BOOST_AUTO_TEST_CASE(a_directory_that_goes_makes_everything_be_walked_again) {
    DiscoveryBench bench;
    bench.make_file("/srv/app/a.log");
    bench.add_input({"/srv/app/*.log"});
    bench.start();
    static_cast<void>(bench.scan());
    bench.apps.remove("/srv/app/a.log");
    static_cast<void>(bench.machine.disk().unlink("/srv/app", true));
    BOOST_TEST(bench.changes().must_rescan);
    BOOST_TEST(bench.scan().empty());
}

BOOST_AUTO_TEST_CASE(lost_notifications_make_everything_be_walked_again) {
    // T28: IN_Q_OVERFLOW.
    DiscoveryBench bench;
    bench.machine.backend_options().watch_queue_max = 4;
    bench.machine.end_program();
    bench.machine.start();
    bench.make_file("/var/log/a.log");
    bench.add_input({"/var/log/*.log"});
    bench.start();
    static_cast<void>(bench.scan());
    for (int i = 0; i < 20; ++i) {
        bench.apps.write("/var/log/" + std::to_string(i) + ".log", "x\n");
    }
    BOOST_TEST(bench.changes().must_rescan);
    BOOST_TEST(bench.has_metric("logboom_agent_inotify_overflows_total 1"));
    bench.apps.write("/var/log/a.log", "more\n");
    const Changes changes = bench.changes();
    BOOST_TEST(!changes.must_rescan);
    BOOST_TEST(has(changes.written, "/var/log/a.log"));
}

BOOST_AUTO_TEST_CASE(a_polled_input_opens_no_watcher) {
    // T29.
    DiscoveryBench bench;
    bench.make_file("/var/log/a.log");
    bench.add_input({"/var/log/*.log"}).is_polled = true;
    bench.start();
    BOOST_TEST(bench.scan().size() == 1u);
    BOOST_TEST(!bench.discovery->has_watcher());
    BOOST_TEST(
        bench.discovery->take_due_directories() == Paths{"/var/log"},
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_polled_directory_tells_that_names_came_or_went_and_when_it_is_due_again) {
    // T28: 1 s hot, 10 s cold.
    DiscoveryBench bench;
    bench.make_file("/var/log/a.log");
    bench.add_input({"/var/log/*.log"}).is_polled = true;
    bench.start();
    static_cast<void>(bench.scan());
    static_cast<void>(bench.machine.run(bench.discovery->poll("/var/log", false)));
    const SteadyTime now = bench.machine.events().now();
    BOOST_TEST((bench.discovery->next_poll() - now > 9s));
    BOOST_TEST((bench.discovery->next_poll() - now <= 10s));
    BOOST_TEST(bench.discovery->take_due_directories().empty());
    bench.machine.run_for(1s);
    BOOST_TEST(!bench.machine.run(bench.discovery->poll("/var/log", true)).must_rescan);
    BOOST_TEST((bench.discovery->next_poll() - bench.machine.events().now() <= 1s));
    bench.apps.write("/var/log/new.log", "x\n");
    BOOST_TEST(bench.machine.run(bench.discovery->poll("/var/log", true)).must_rescan);
    bench.apps.write("/var/log/new.log", "no new name\n");
    BOOST_TEST(!bench.machine.run(bench.discovery->poll("/var/log", true)).must_rescan);
}

BOOST_AUTO_TEST_SUITE_END()
