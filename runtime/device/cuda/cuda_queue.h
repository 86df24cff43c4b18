// A context's queue on a GPU: the commands of a call become a graph, which later calls replay.
#ifndef GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_QUEUE_H_
#define GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_QUEUE_H_

#include "runtime/device/cuda/cuda_edges.h"
#include "runtime/device/cuda/cuda_program.h"
#include "runtime/device/device.h"

namespace graven1::cuda {

// What queues share: the device of one model.
struct Shared {
  Driver driver;
  Gpu gpu;
  DeviceNumber number;
  Context context;
  Stream compute;  // all commands and transfers of all contexts, in order
  Stream inputs;   // brings the inputs of the next call while this one computes
};

constexpr uint32_t kStagingSlots = 2;

// A call is recorded command by command, then run: as a graph, which is kept for calls with equal
// addresses, or one by one where each is to be timed. Nothing here waits for the GPU but `feed`,
// when it is two calls behind, and a timed call.
//
// A graph that fails does not tell which of its kernels it was, and the GPU takes no more work of
// the process. With GRAVEN_CUDA_ONE_BY_ONE=1 in the environment every command is waited for, and
// the one that fails is named.
class Queue {
 public:
  // Fails with OUT_OF_MEMORY, or as the driver does. The context need not be current.
  static graven_status create(const Shared &shared, const QueueOptions &options, Queue **queue);
  void destroy();

  graven_status begin(const DeviceCall &call, bool *replayed);
  graven_status feed(const DeviceFeed &feed);
  graven_status launch(const DeviceLaunch &launch);
  graven_status copy(void *destination, const void *source, size_t bytes);
  graven_status fill(void *destination, uint8_t byte, size_t bytes);
  graven_status finish();

 private:
  // A recorded command. Its operands are `accesses_` [first, first + count).
  struct Command {
    uint32_t number;  // among the table's records
    uint32_t kind;    // graven_command_kind
    uint32_t kernel;
    uint32_t grid;
    uint32_t byte;
    Accesses operands;
  };
  // A graph of one entry, for certain addresses.
  struct Replay {
    const void *state, *staging;
    bool ready;      // `exec` is the graph for these addresses
    GraphExec exec;  // null, or of these addresses, or of others: then it is updated
    uint64_t used;   // when last
  };
  static constexpr uint32_t kReplays = 2 * kStagingSlots;  // per entry: two states

  graven_status fill_in(const QueueOptions &options);
  graven_status failed(graven_status status) {
    failed_ = true;
    return status;
  }
  graven_status check(Result result, const char *what) {
    graven_status status = cuda::check(shared_.driver, result, what);
    failed_ |= status != GRAVEN_OK;
    return status;
  }
  // The record of the next command, or null with an error.
  Command *next(uint32_t kind);
  graven_status add_access(Command *command, const void *address);
  void drop(Command *last);
  graven_status send_inputs();
  Replay *find_replay(const DeviceCall &call);
  graven_status build_graph(Graph graph);
  graven_status add_node(Graph graph, const Command &command, const GraphNode *before, size_t count,
                         GraphNode *node);
  graven_status make_replay(Replay *replay);
  graven_status run_graph();
  graven_status run_timed();
  graven_status run_one_by_one();
  graven_status name_failure(const Command &command, Result result);
  graven_status issue(const Command &command);
  graven_status make_events(uint32_t count);
  void **parameters(const Command &command);

  explicit Queue(const Shared &shared) : shared_(shared) {}

  const Shared &shared_;
  const Program *program_ = nullptr;
  // Inputs: what a feed is copied to before it is sent, page-locked, laid out as the staging
  // memory.
  char *staging_ = nullptr, *pinned_ = nullptr;
  size_t staging_bytes_ = 0, input_bytes_ = 0;  // of a slot; its inputs come first
  Event sent_[kStagingSlots] = {};              // the slot's inputs have left the pinned memory
  Event done_[kStagingSlots] = {};              // the slot's call has read them
  // The call under way.
  DeviceCall call_ = {};
  bool failed_ = false, fed_ = false;
  bool one_by_one_ = false;  // GRAVEN_CUDA_ONE_BY_ONE is set
  uint32_t slot_ = 0;
  size_t fed_begin_ = 0, fed_end_ = 0;  // in the staging memory
  uint32_t issued_ = 0;                 // commands so far, empty ones included
  Replay *replay_ = nullptr;            // null: the call is timed
  Command *commands_ = nullptr;
  uint32_t command_count_ = 0, command_room_ = 0;
  Access *accesses_ = nullptr;
  uint32_t access_count_ = 0, access_room_ = 0;
  void **parameters_ = nullptr;  // of one launch
  Replay *replays_ = nullptr;    // kReplays per entry
  uint32_t replay_count_ = 0;
  uint64_t clock_ = 0;
  Event *events_ = nullptr;  // of timed calls, made by the first
  uint32_t event_count_ = 0;
};

}  // namespace graven1::cuda

#endif  // GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_QUEUE_H_
