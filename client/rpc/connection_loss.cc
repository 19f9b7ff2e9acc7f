#include "client/rpc/connection_loss.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "services/base/errors.h"

namespace troupe {

ConnectionLoss LossOf(const absl::Status& status) {
  if (!absl::IsUnavailable(status) || !ReasonOf(status).empty())
    return ConnectionLoss::kNone;
  const absl::string_view text = status.message();
  // First: it quotes what the last try to connect met, whatever that was.
  if (absl::StrContains(text, "failed to connect"))
    return ConnectionLoss::kNotMade;
  if (absl::StrContains(text, "GOAWAY")) return ConnectionLoss::kLeft;
  if (absl::StrContains(text, "Socket closed") ||
      absl::StrContains(text, "Connection reset") ||
      absl::StrContains(text, "Broken pipe"))
    return ConnectionLoss::kClosed;
  return ConnectionLoss::kSilent;
}

}  // namespace troupe
