#include "tests/sim/sim_world.h"

#include <algorithm>

namespace logboom::sim {

namespace {

constexpr std::size_t lines_kept = 60;
constexpr std::size_t resumes_per_turn = 64;
constexpr std::uint64_t pool_bytes = 4u << 20;

}  // namespace

void LastLines::write(const LogLevel level, const std::string_view line) {
    const std::int64_t us = events_.now().time_since_epoch().count() / 1000;
    lines_.push_back(std::to_string(us) + " us " + to_string(level) + ": " + std::string(line));
    if (lines_.size() > lines_kept) {
        lines_.pop_front();
    }
}

std::string LastLines::text() const {
    std::string text;
    for (const std::string& line : lines_) {
        text += line + '\n';
    }
    return text;
}

/// One life of a node's program. Members end from the last to the first: frames before what they use.
struct SimNode::Life {
    Life(SimWorld& world, SimNode& node)
        : backend(world.events(), world.net(), node.disk_, node.id_, node.backend_options_)
        , holder(backend, node.log_, LogLevel::debug, world.rng().next(), pool_bytes)
        , order(world.rng().fork())
        , shard(0, backend, holder.env()) {
        holder.scheduler().shuffle_with(&order);
        holder.env().probe = world.probe();
    }

    void destroy_frames() {
        root.reset();
        program.reset();
    }

    io::SimBackend backend;
    io::EnvHolder holder;
    Rng order;
    Shard shard;
    std::unique_ptr<Program> program;
    std::unique_ptr<Scope> root;
    SteadyTime next_timer{};
    bool timers_changed = true;
};

SimNode::SimNode(
    SimWorld& world, const std::uint32_t id, std::string name, const io::SimDiskOptions disk
)
    : world_(world)
    , id_(id)
    , name_(std::move(name))
    , host_("10.0.0." + std::to_string(id))
    , disk_(world.events(), id, disk)
    , log_(world.events()) {}

SimNode::~SimNode() {
    if (is_running()) {
        crash(CrashKind::killed);
    }
}

Program& SimNode::program() noexcept {
    LB_ASSERT(is_running());
    return *life_->program;
}

std::size_t SimNode::ops_in_flight() const noexcept {
    return life_ == nullptr ? 0 : life_->backend.ops_in_flight();
}

void SimNode::start(const MakeProgram& make) {
    LB_ASSERT(!is_running());
    world_.events().note(id_, "start");
    world_.net().set_power(id_, true);
    life_ = std::make_unique<Life>(world_, *this);
    life_->program = make(life_->shard);
    life_->root = std::make_unique<Scope>(life_->holder.scheduler());
    life_->root->spawn(life_->program->run());
}

void SimNode::crash(const CrashKind kind) {
    LB_ASSERT(is_running());
    world_.events().note(id_, kind == CrashKind::killed ? "killed" : "power loss");
    if (kind == CrashKind::power_loss) {
        world_.net().set_power(id_, false);
        world_.net().forget_node(id_);
        life_->backend.drop_all(io::SimBackend::Descriptors::lost);
        disk_.lose_power();
    } else {
        life_->backend.drop_all(io::SimBackend::Descriptors::closed);
    }
    life_->holder.scheduler().begin_crash();
    life_->destroy_frames();
    life_.reset();
}

void SimNode::request_stop() {
    LB_ASSERT(is_running());
    world_.events().note(id_, "stop requested");
    life_->root->cancel();
}

SimWorld::SimWorld(const std::uint64_t seed) : seed_(seed), events_(seed), net_(events_) {}

SimWorld::~SimWorld() {
    nodes_.clear();
}

SimNode& SimWorld::add_node(const std::string& name, const io::SimDiskOptions disk) {
    const auto id = static_cast<std::uint32_t>(nodes_.size() + 1);
    nodes_.push_back(std::make_unique<SimNode>(*this, id, name, disk));
    net_.add_node(id, nodes_.back()->host(), name);
    return *nodes_.back();
}

bool SimWorld::run_nodes() {
    bool has_run = false;
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        SimNode::Life* const life = node->life_.get();
        if (life == nullptr || node->is_paused_) {
            continue;
        }
        io::Scheduler& scheduler = life->holder.scheduler();
        life->shard.drain();
        // Each node reads its clock when something happens, not before.
        if (scheduler.now() != events_.now()) {
            life->timers_changed = life->timers_changed || life->next_timer <= events_.now();
            scheduler.advance(events_.now());
        }
        if (scheduler.has_ready()) {
            scheduler.run_ready(resumes_per_turn);
            life->timers_changed = true;
            has_run = true;
            ++steps_;
        }
        if (life->root->empty()) {
            events_.note(node->id(), "ended");
            node->life_.reset();
        }
    }
    return has_run;
}

SteadyTime SimWorld::next_time() {
    SteadyTime next = events_.next_due();
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        SimNode::Life* const life = node->life_.get();
        if (life != nullptr && !node->is_paused_) {
            if (life->timers_changed) {
                life->next_timer = life->holder.scheduler().timers().next_due();
                life->timers_changed = false;
            }
            next = std::min(next, life->next_timer);
        }
    }
    return next;
}

SimWorld::Ended SimWorld::run_until(const std::function<bool()>& condition, const Nanos at_most) {
    const SteadyTime deadline = events_.now() + at_most;
    for (;;) {
        if (run_nodes()) {
            if (steps_ > steps_max_) {
                return Ended::step_limit;
            }
            continue;
        }
        if (condition()) {
            return Ended::condition;
        }
        if (events_.run_one()) {
            ++steps_;
            continue;
        }
        const SteadyTime next = next_time();
        if (next > deadline) {
            events_.advance_to(deadline);
            return Ended::deadline;
        }
        events_.advance_to(next);
    }
}

std::string SimWorld::report() const {
    std::string text = "seed " + std::to_string(seed_) + "; latest events:\n" + events_.latest();
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        text += "--- last lines of " + node->name() + '\n' + node->log_.text();
    }
    return text;
}

}  // namespace logboom::sim
