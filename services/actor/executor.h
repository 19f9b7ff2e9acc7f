// An Executor runs the loops of lanes and supervisors, so that tests can run
// them by hand.
//
// Thread safety: Start and Join from one thread.
#pragma once

#include <functional>
#include <thread>
#include <vector>

namespace troupe {

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `loop` beside the caller, until it returns.
  virtual void Start(std::function<void()> loop) = 0;

  // Waits until all loops have returned.
  virtual void Join() = 0;
};

// A thread per loop.
class ThreadExecutor : public Executor {
 public:
  ~ThreadExecutor() override { Join(); }

  void Start(std::function<void()> loop) override {
    threads_.emplace_back(std::move(loop));
  }

  void Join() override {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace troupe
