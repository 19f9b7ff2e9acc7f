// ModelOptions are what an operator decides about a model process: its flags.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::model {

struct ModelOptions {
  // Where training rows are spooled. The file has no name once it is open.
  std::string scratch_dir = "/tmp";
  // What one training may take of memory.
  int64_t training_budget_bytes = 0;
  int threads = 1;          // For training.
  int predict_threads = 1;  // Per batch; replicas scale better.

  // From --scratch_dir, --training_budget_bytes, --threads, --predict_threads;
  // those left at their default follow the machine and the container's limits.
  static ModelOptions FromFlags();
};

// The bytes of memory this process may use: of the machine or of its control
// group, whichever is less.
int64_t MemoryLimitBytes();

// The cores this process may use: by affinity and by the control group's quota
// (which XGBoost 1.7 does not see in version 2 groups), at least 1.
int UsableCores();

}  // namespace troupe::model
