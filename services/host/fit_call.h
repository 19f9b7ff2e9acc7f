// Takes one Fit through a stage: its tables in, its progress and its artifact
// out, piece by piece.
//
// Thread safety: called on the fit lane.
#pragma once

#include "absl/status/statusor.h"
#include "services/actor/actor.h"
#include "services/host/stage.h"

namespace troupe {

// The reply is the last message of the answer; all before it is sent when this
// returns. BAD_MESSAGE where the messages are no Fit, otherwise the stage's
// error or the stream's.
absl::StatusOr<Reply> ReceiveFit(Stage& stage, Message& message,
                                 const Context& context);

}  // namespace troupe
