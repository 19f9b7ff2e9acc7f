// A CallerWatch tells whoever reads rows when nobody waits for them any more.
// It looks by what is read, not by rows alone: a row may take as long as
// thousands of others.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>

#include "services/actor/context.h"

namespace troupe::loader {

class CallerWatch {
 public:
  // `context` must outlive the watch.
  explicit CallerWatch(const Context& context) : context_(context) {}

  // Whether the caller left, as seen at the last look. To be asked before each
  // row, with the bytes and cells of it; looks at the first one, and whenever
  // what has passed by since may have taken 0.1 ms or so.
  bool Left(size_t row_size) {
    passed_ += kRowCost + row_size;
    if (passed_ < kBetweenLooks) return false;
    passed_ = 0;
    return context_.cancelled();
  }

 private:
  // In bytes of text.
  static constexpr size_t kRowCost = 64;
  static constexpr size_t kBetweenLooks = 64 << 10;

  const Context& context_;
  size_t passed_ = kBetweenLooks;
};

}  // namespace troupe::loader
