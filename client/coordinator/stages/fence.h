// The fence between attempts: what goes out carries its attempt, and what comes
// back counts only for that one.
//
// Thread safety: functions without state.
#pragma once

#include <optional>
#include <string>

#include "client/coordinator/stages/reply_header.h"
#include "client/rpc/stage_client.h"

namespace troupe {

// INTERNAL (WRONG_REPLY) in place of an answer to another attempt or epoch than
// `asked`, or to none. Errors and methods without an id pass.
void CheckAttempt(const std::string& method,
                  const std::optional<std::string>& asked, UnaryReply& reply);

}  // namespace troupe
