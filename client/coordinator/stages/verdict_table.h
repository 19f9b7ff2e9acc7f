// The VerdictTable: what becomes of everything that took part in a sending, by
// the Verdict on how it ended. One row for each verdict; nobody else decides by
// it.
//
// Thread safety: constants.
#pragma once

#include "client/coordinator/stages/replica.h"

namespace troupe {

enum class Verdict {
  kAnswered,         // OK.
  kFull,             // Not executed: the mailbox was full.
  kRefused,          // Not executed: it starts, or was never reached.
  kLeaving,          // Not executed: it stops, and said so.
  kArtifactMissing,  // Not executed: an artifact is not there.
  kCutOff,           // Cancelled by a server that ends: hardly executed.
  kDied,             // The process ended without a word while it was at work.
  kDiedBefore,       // The same, while another was at work.
  kTooLong,          // It ran beyond its work limit.
  kSilent,           // The connection fell silent, or the network failed.
  kLost,             // Perhaps executed; the connection is gone.
  kUnanswered,       // Perhaps executed; the answer is lost, or came too late.
  kFaulty,           // A bug there: it may work on another replica.
  kFinal,            // It would fail anywhere.
};

// What a call is charged, or a put for it; where too much, it fails.
enum class Charge {
  kNothing,
  kAttempt,
  kDeath,   // DeathCount; and suspicion.
  kHang,    // An attempt, and suspicion.
  kCutOff,  // A few times nothing, then an attempt.
  kFault,   // Once.
};

// What comes next of a call, unless another sending of it is still open.
enum class Next {
  kAnswer,      // At once, whatever is open.
  kFail,        // Likewise.
  kQueue,       // It waits for a slot.
  kBackOff,     // It waits, then for a slot.
  kElsewhere,   // It waits for a slot, if another replica serves; else fails.
  kAskNetwork,  // It waits; then the network is judged.
  kBring,       // An artifact is put there first, some times.
};

// What the suspect ledger is told.
enum class Entry { kHandled, kEnded, kOverran, kDied };

// Whether a Fit runs again: whose tables only the caller has.
enum class FitRetry {
  kNever,    // It would fail again, or is not wanted any more.
  kFree,     // It was refused, or ended in order: as often as it takes.
  kCharged,  // It may be what broke off: a few times.
};

struct Step {
  Charge charge = Charge::kNothing;
  Next next = Next::kFail;
};

struct VerdictRow {
  Verdict verdict;
  Step call;              // Of the call that was sent.
  Step put;               // Of the call for which an artifact was put.
  FitRetry fit;           // Of a fit.
  CallEnd::Kind replica;  // What it says of the replica.
  Entry entry;
};

const VerdictRow& RowOf(Verdict verdict);

}  // namespace troupe
