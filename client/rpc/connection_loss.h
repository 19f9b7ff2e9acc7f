// What became of the connection under a call that the transport ended.
//
// gRPC says UNAVAILABLE to all of it and has no code for the difference, so
// this reads its text: the only place that does. The texts are those of gRPC
// 1.51; tests/unit/rpc/connection_loss_test.cc holds a real channel to them.
//
// Thread safety: a function without state.
#pragma once

#include "absl/status/status.h"

namespace troupe {

enum class ConnectionLoss {
  kNone,     // The call had an answer, or it ended for another reason.
  kClosed,   // The other end closed or reset it without a word: it died.
  kLeft,     // The other end took leave (GOAWAY): it stops, in order.
  kNotMade,  // There was no connection: the call was never sent.
  // It fell silent, or the network failed: the process may live on.
  kSilent,
};

ConnectionLoss LossOf(const absl::Status& status);

}  // namespace troupe
