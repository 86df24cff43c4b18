#include "runtime/device/cuda/cuda_queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <initializer_list>
#include <new>

#include "runtime/core/error.h"
#include "runtime/core/model.h"
#include "runtime/core/trace.h"

namespace graven1::cuda {
graven_status Queue::create(const Shared &shared, const QueueOptions &options, Queue **queue) {
  *queue = nullptr;
  void *block = malloc(sizeof(Queue));
  if (!block) return fail_memory(sizeof(Queue), "a context");
  Queue *made = new (block) Queue(shared);
  graven_status status = made->fill_in(options);
  if (status != GRAVEN_OK) {
    made->destroy();
    return status;
  }
  *queue = made;
  return GRAVEN_OK;
}

graven_status Queue::fill_in(const QueueOptions &options) {
  program_ = static_cast<const Program *>(options.program);
  staging_ = options.staging;
  staging_bytes_ = options.staging_bytes;
  const char *wish = getenv("GRAVEN_CUDA_ONE_BY_ONE");
  one_by_one_ = wish && *wish && strcmp(wish, "0") != 0;
  const Table &table = program_->table;
  uint32_t most_operands = 0;
  for (uint32_t e = 0; e < table.header->entries_count; ++e) {
    const graven_span ports = table.entries[e].inputs;
    size_t input_bytes = 0;
    for (uint32_t i = 0; i < ports.count; ++i) {
      input_bytes += staged(table.ports[ports.first + i].tensor.bytes);
    }
    if (input_bytes > input_bytes_) input_bytes_ = input_bytes;
    const graven_span span = table.entries[e].commands;
    uint32_t operands = 0;
    for (uint32_t c = span.first; c < span.first + span.count; ++c) {
      const uint32_t count = table.commands[c].operands.count;
      operands += count;
      if (count > most_operands) most_operands = count;
    }
    if (span.count > command_room_) command_room_ = span.count;
    if (operands > access_room_) access_room_ = operands;
  }
  replay_count_ = table.header->entries_count * kReplays;
  commands_ = static_cast<Command *>(calloc(command_room_ + size_t{1}, sizeof(Command)));
  accesses_ = static_cast<Access *>(calloc(access_room_ + size_t{1}, sizeof(Access)));
  parameters_ = static_cast<void **>(calloc(most_operands + size_t{1}, sizeof(void *)));
  replays_ = static_cast<Replay *>(calloc(replay_count_ + size_t{1}, sizeof(Replay)));
  if (!commands_ || !accesses_ || !parameters_ || !replays_) {
    return fail_memory(command_room_ * sizeof(Command) + access_room_ * sizeof(Access),
                       "a context");
  }
  const Driver &driver = shared_.driver;
  Current current(driver, shared_.context);
  for (uint32_t slot = 0; slot < kStagingSlots; ++slot) {
    for (Event *event : {&sent_[slot], &done_[slot]}) {
      graven_status status =
          check(driver.create_event(event, kEventDisableTiming), "make an event");
      if (status != GRAVEN_OK) return status;
    }
  }
  if (input_bytes_ == 0) return GRAVEN_OK;
  const size_t bytes = kStagingSlots * input_bytes_;
  void *memory = nullptr;
  Result result = driver.allocate_pinned(&memory, bytes, 0);
  if (result == kOutOfMemory) return fail_memory(bytes, "the page-locked inputs of a context");
  pinned_ = static_cast<char *>(memory);
  return check(result, "lock the inputs' pages");
}

void Queue::destroy() {
  const Driver &driver = shared_.driver;
  {
    Current current(driver, shared_.context);
    driver.synchronize(shared_.inputs);
    driver.synchronize(shared_.compute);
    for (uint32_t i = 0; replays_ && i < replay_count_; ++i) {
      if (replays_[i].exec) driver.destroy_exec(replays_[i].exec);
    }
    for (uint32_t i = 0; i < event_count_; ++i) driver.destroy_event(events_[i]);
    for (uint32_t slot = 0; slot < kStagingSlots; ++slot) {
      if (sent_[slot]) driver.destroy_event(sent_[slot]);
      if (done_[slot]) driver.destroy_event(done_[slot]);
    }
    if (pinned_) driver.release_pinned(pinned_);
  }
  free(events_);
  free(replays_);
  free(parameters_);
  free(accesses_);
  free(commands_);
  free(this);
}

graven_status Queue::begin(const DeviceCall &call, bool *replayed) {
  call_ = call;
  failed_ = fed_ = false;
  issued_ = command_count_ = access_count_ = 0;
  replay_ = call.profile || call.trace || one_by_one_ ? nullptr : find_replay(call);
  *replayed = replay_ && replay_->ready;
  return GRAVEN_OK;
}

// The graph for the call's addresses, or in its place the one that was not used for the longest
// time.
Queue::Replay *Queue::find_replay(const DeviceCall &call) {
  Replay *first = replays_ + call.entry * kReplays, *chosen = first;
  for (Replay *each = first; each < first + kReplays; ++each) {
    if (each->ready && each->state == call.state && each->staging == call.staging) {
      each->used = ++clock_;
      return each;
    }
    if (each->used < chosen->used) chosen = each;
  }
  chosen->used = ++clock_;
  chosen->ready = false;
  chosen->state = call.state;
  chosen->staging = call.staging;
  return chosen;
}

graven_status Queue::feed(const DeviceFeed &feed) {
  size_t at = static_cast<size_t>(static_cast<char *>(feed.destination) - staging_);
  if (!fed_) slot_ = static_cast<uint32_t>(at / staging_bytes_);
  at -= slot_ * staging_bytes_;
  if (!fed_) {
    fed_begin_ = fed_end_ = at;
    fed_ = true;
    Current current(shared_.driver, shared_.context);
    graven_status status =
        check(shared_.driver.synchronize_event(sent_[slot_]), "wait for earlier inputs");
    if (status != GRAVEN_OK) return status;
  }
  feed_host_memory(feed, pinned_ + slot_ * input_bytes_ + at);
  if (at < fed_begin_) fed_begin_ = at;
  if (at + feed.capacity > fed_end_) fed_end_ = at + feed.capacity;
  return GRAVEN_OK;
}

// All inputs in one transfer, on a stream of their own.
graven_status Queue::send_inputs() {
  if (!fed_ || fed_end_ == fed_begin_) return GRAVEN_OK;
  const Driver &driver = shared_.driver;
  Result result = driver.wait_event(shared_.inputs, done_[slot_], 0);
  if (result == kSuccess) {
    const char *to = staging_ + slot_ * staging_bytes_ + fed_begin_;
    const char *from = pinned_ + slot_ * input_bytes_ + fed_begin_;
    result = driver.copy_to_device(reinterpret_cast<Address>(to), from, fed_end_ - fed_begin_,
                                   shared_.inputs);
  }
  if (result == kSuccess) result = driver.record_event(sent_[slot_], shared_.inputs);
  if (result == kSuccess) result = driver.wait_event(shared_.compute, sent_[slot_], 0);
  return check(result, "bring inputs");
}

Queue::Command *Queue::next(uint32_t kind) {
  const Table &table = program_->table;
  const graven_span span = table.entries[call_.entry].commands;
  if (issued_ == span.count || command_count_ == command_room_) {
    failed(fail(GRAVEN_INVALID_ARGUMENT,
                "the device got more commands than entry number %" PRIu32 " has", call_.entry));
    return nullptr;
  }
  Command *command = &commands_[command_count_++];
  *command = {span.first + issued_++, kind, 0, 0, 0, {access_count_, 0}};
  return command;
}

// Where the operand lies, from the caller; how it is used, from the table.
graven_status Queue::add_access(Command *command, const void *address) {
  const graven_command_record &record = program_->table.commands[command->number];
  if (command->operands.count == record.operands.count) {
    return failed(fail(GRAVEN_INVALID_ARGUMENT,
                       "the device got more operands than command number %" PRIu32 " has",
                       command->number));
  }
  const graven_operand_record &operand =
      program_->table.operands[record.operands.first + command->operands.count++];
  accesses_[access_count_++] = {reinterpret_cast<Address>(address), operand.bytes, operand.access};
  return GRAVEN_OK;
}

graven_status Queue::launch(const DeviceLaunch &launch) {
  Command *command = next(GRAVEN_COMMAND_LAUNCH);
  if (!command) return GRAVEN_INVALID_ARGUMENT;
  command->kernel = launch.kernel;
  command->grid = static_cast<uint32_t>(launch.grid);
  for (uint32_t i = 0; i < launch.buffer_count; ++i) {
    graven_status status = add_access(command, launch.buffers[i]);
    if (status != GRAVEN_OK) return status;
  }
  if (launch.grid == 0) drop(command);
  return GRAVEN_OK;
}

graven_status Queue::copy(void *destination, const void *source, size_t bytes) {
  Command *command = next(GRAVEN_COMMAND_COPY);
  if (!command) return GRAVEN_INVALID_ARGUMENT;
  graven_status status = add_access(command, source);
  if (status == GRAVEN_OK) status = add_access(command, destination);
  if (bytes == 0) drop(command);
  return status;
}

graven_status Queue::fill(void *destination, uint8_t byte, size_t bytes) {
  Command *command = next(GRAVEN_COMMAND_FILL);
  if (!command) return GRAVEN_INVALID_ARGUMENT;
  command->byte = byte;
  graven_status status = add_access(command, destination);
  if (bytes == 0) drop(command);
  return status;
}

// The driver takes no command that does nothing.
void Queue::drop(Command *last) {
  access_count_ = last->operands.first;
  --command_count_;
}

graven_status Queue::finish() {
  if (failed_) return GRAVEN_OK;  // the error has been reported
  Current current(shared_.driver, shared_.context);
  graven_status status = send_inputs();
  if (status == GRAVEN_OK) {
    const bool timed = call_.profile || call_.trace;
    status = replay_ ? run_graph() : timed ? run_timed() : run_one_by_one();
  }
  if (status == GRAVEN_OK && fed_) {
    status = check(shared_.driver.record_event(done_[slot_], shared_.compute), "mark a call's end");
  }
  return status;
}

graven_status Queue::run_graph() {
  if (!replay_->ready) {
    graven_status status = make_replay(replay_);
    if (status != GRAVEN_OK) return status;
  }
  return check(shared_.driver.launch_graph(replay_->exec, shared_.compute), "run a call's graph");
}

// Makes the graph of the recorded commands, or makes another one serve.
graven_status Queue::make_replay(Replay *replay) {
  const Driver &driver = shared_.driver;
  Graph graph = nullptr;
  graven_status status = check(driver.create_graph(&graph, 0), "make a graph");
  if (status != GRAVEN_OK) return status;
  status = build_graph(graph);
  if (status == GRAVEN_OK) {
    GraphNode unlike;
    int32_t reason;
    if (replay->exec && driver.update(replay->exec, graph, &unlike, &reason) != kSuccess) {
      driver.destroy_exec(replay->exec);
      replay->exec = nullptr;
    }
    if (!replay->exec) {
      status = check(driver.instantiate(&replay->exec, graph, 0), "instantiate a graph");
      if (status != GRAVEN_OK) replay->exec = nullptr;
    }
  }
  driver.destroy_graph(graph);
  replay->ready = status == GRAVEN_OK;
  return status;
}

graven_status Queue::build_graph(Graph graph) {
  Accesses *operands =
      static_cast<Accesses *>(calloc(command_count_ + size_t{1}, sizeof(Accesses)));
  GraphNode *nodes =
      static_cast<GraphNode *>(calloc(2 * command_count_ + size_t{1}, sizeof(GraphNode)));
  GraphNode *before = nodes + command_count_;
  graven_status status = GRAVEN_OK;
  if (!operands || !nodes) {
    status = failed(fail_memory(command_count_ * sizeof(GraphNode), "a call's graph"));
  }
  Edges edges;
  if (status == GRAVEN_OK) {
    for (uint32_t i = 0; i < command_count_; ++i) operands[i] = commands_[i].operands;
    status = edges.find(accesses_, operands, command_count_);
  }
  for (uint32_t i = 0; i < command_count_ && status == GRAVEN_OK; ++i) {
    uint32_t count;
    const uint32_t *earlier = edges.before(i, &count);
    for (uint32_t e = 0; e < count; ++e) before[e] = nodes[earlier[e]];
    status = add_node(graph, commands_[i], before, count, &nodes[i]);
  }
  free(operands);
  free(nodes);
  return status;
}

void **Queue::parameters(const Command &command) {
  for (uint32_t i = 0; i < command.operands.count; ++i) {
    parameters_[i] = &accesses_[command.operands.first + i].address;
  }
  return parameters_;
}

graven_status Queue::add_node(Graph graph, const Command &command, const GraphNode *before,
                              size_t count, GraphNode *node) {
  const Driver &driver = shared_.driver;
  const Access *operands = accesses_ + command.operands.first;
  switch (command.kind) {
    case GRAVEN_COMMAND_LAUNCH: {
      const Kernel &kernel = program_->kernels[command.kernel];
      const KernelNode launch = {
          kernel.function,     command.grid,        1,      1, kernel.threads, 1, 1,
          kernel.shared_bytes, parameters(command), nullptr};
      return check(driver.add_kernel(node, graph, before, count, &launch), "add a kernel");
    }
    case GRAVEN_COMMAND_COPY: {
      MemcpyNode copy = {};
      copy.source.type = copy.destination.type = kMemoryDevice;
      copy.source.device = operands[0].address;
      copy.destination.device = operands[1].address;
      copy.width_bytes = operands[0].bytes;
      copy.height = copy.depth = 1;
      return check(driver.add_memcpy(node, graph, before, count, &copy, shared_.context),
                   "add a copy");
    }
    default: {
      // In words where the bytes are whole words: a GPU writes them faster.
      const bool words = operands[0].address % 4 == 0 && operands[0].bytes % 4 == 0;
      const MemsetNode fill = {operands[0].address,
                               0,
                               words ? command.byte * 0x01010101u : command.byte,
                               words ? 4u : 1u,
                               words ? operands[0].bytes / 4 : operands[0].bytes,
                               1};
      return check(driver.add_memset(node, graph, before, count, &fill, shared_.context),
                   "add a fill");
    }
  }
}

graven_status Queue::issue(const Command &command) {
  const Driver &driver = shared_.driver;
  const Access *operands = accesses_ + command.operands.first;
  switch (command.kind) {
    case GRAVEN_COMMAND_LAUNCH: {
      const Kernel &kernel = program_->kernels[command.kernel];
      return check(
          driver.launch_kernel(kernel.function, command.grid, 1, 1, kernel.threads, 1, 1,
                               kernel.shared_bytes, shared_.compute, parameters(command), nullptr),
          "launch a kernel");
    }
    case GRAVEN_COMMAND_COPY:
      return check(driver.copy_on_device(operands[1].address, operands[0].address,
                                         operands[0].bytes, shared_.compute),
                   "start a copy");
    default:
      return check(driver.set_bytes(operands[0].address, static_cast<uint8_t>(command.byte),
                                    operands[0].bytes, shared_.compute),
                   "start a fill");
  }
}

graven_status Queue::make_events(uint32_t count) {
  if (count <= event_count_) return GRAVEN_OK;
  void *grown = realloc(events_, count * sizeof *events_);
  if (!grown) return failed(fail_memory(count * sizeof *events_, "the times of a profile"));
  events_ = static_cast<Event *>(grown);
  for (; event_count_ < count; ++event_count_) {
    graven_status status =
        check(shared_.driver.create_event(&events_[event_count_], kEventDefault), "make an event");
    if (status != GRAVEN_OK) return status;
  }
  return GRAVEN_OK;
}

graven_status Queue::name_failure(const Command &command, Result result) {
  failed_ = true;
  const Table &table = program_->table;
  const char *entry = table.text(table.entries[call_.entry].name);
  const char *kernel = command.kind == GRAVEN_COMMAND_LAUNCH
                           ? table.text(table.kernels[command.kernel].name)
                           : nullptr;
  const char *name = nullptr, *text = nullptr;
  if (shared_.driver.error_name(result, &name) != kSuccess || !name) name = "an unknown error";
  if (shared_.driver.error_string(result, &text) != kSuccess || !text) text = "no text";
  return fail(GRAVEN_DEVICE_FAILED,
              "%s%.200s%s of entry '%.80s' failed on '%s' (%s): %s (%s, number %d)",
              kernel ? "kernel '" : "", kernel ? kernel : "a copy or fill", kernel ? "'" : "",
              entry, shared_.gpu.name, shared_.gpu.model, name, text, result);
}

// One command after the other, each waited for.
graven_status Queue::run_one_by_one() {
  const Driver &driver = shared_.driver;
  graven_status status = GRAVEN_OK;
  for (uint32_t i = 0; i < command_count_ && status == GRAVEN_OK; ++i) {
    status = issue(commands_[i]);
    if (status != GRAVEN_OK) return status;
    const Result result = driver.synchronize(shared_.compute);
    if (result != kSuccess) return name_failure(commands_[i], result);
  }
  return status;
}

// One command after the other, with an event between each two.
graven_status Queue::run_timed() {
  const Driver &driver = shared_.driver;
  graven_status status = make_events(command_count_ + 1);
  if (status != GRAVEN_OK) return status;
  Result result = driver.synchronize(shared_.compute);
  const uint64_t began = trace_time();
  if (result == kSuccess) result = driver.record_event(events_[0], shared_.compute);
  for (uint32_t i = 0; i < command_count_ && result == kSuccess; ++i) {
    status = issue(commands_[i]);
    if (status != GRAVEN_OK) return status;
    result = driver.record_event(events_[i + 1], shared_.compute);
  }
  if (result == kSuccess) result = driver.synchronize(shared_.compute);
  uint64_t before = 0;
  for (uint32_t i = 0; i < command_count_ && result == kSuccess; ++i) {
    float milliseconds = 0;
    result = driver.elapsed_time(&milliseconds, events_[0], events_[i + 1]);
    const uint64_t after = static_cast<uint64_t>(static_cast<double>(milliseconds) * 1e6);
    const uint32_t number = commands_[i].number;
    if (call_.profile) call_.profile[number] += after - before;
    if (call_.trace) {
      record_span(*call_.trace, GRAVEN_TRACE_COMMAND, number, began + before, began + after);
    }
    before = after;
  }
  return check(result, "time a call's commands");
}

}  // namespace graven1::cuda
