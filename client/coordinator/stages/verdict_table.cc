#include "client/coordinator/stages/verdict_table.h"

#include <iterator>

namespace troupe {
namespace {

using V = Verdict;
using C = Charge;
using N = Next;
using K = CallEnd::Kind;
using E = Entry;
using F = FitRetry;

// Nothing of a call runs in a put: a replica that is gone costs it nothing.
// clang-format off
constexpr VerdictRow kTable[] = {
    // verdict             call                          put                          fit           replica          ledger
    {V::kAnswered,        {C::kNothing, N::kAnswer},     {C::kNothing, N::kQueue},    F::kNever,    K::kAnswered,    E::kHandled},
    {V::kFull,            {C::kNothing, N::kQueue},      {C::kAttempt, N::kBackOff},  F::kFree,     K::kFull,        E::kEnded},
    {V::kRefused,         {C::kNothing, N::kQueue},      {C::kNothing, N::kQueue},    F::kFree,     K::kUnreachable, E::kEnded},
    {V::kLeaving,         {C::kNothing, N::kQueue},      {C::kNothing, N::kQueue},    F::kFree,     K::kLeaving,     E::kEnded},
    {V::kArtifactMissing, {C::kNothing, N::kBring},      {C::kNothing, N::kFail},     F::kNever,    K::kAnswered,    E::kEnded},
    {V::kCutOff,          {C::kCutOff,  N::kQueue},      {C::kNothing, N::kQueue},    F::kFree,     K::kLeaving,     E::kEnded},
    {V::kDied,            {C::kDeath,   N::kBackOff},    {C::kNothing, N::kQueue},    F::kCharged,  K::kUnreachable, E::kDied},
    {V::kDiedBefore,      {C::kNothing, N::kQueue},      {C::kNothing, N::kQueue},    F::kFree,     K::kUnreachable, E::kDied},
    {V::kTooLong,         {C::kHang,    N::kBackOff},    {C::kNothing, N::kFail},     F::kNever,    K::kAnswered,    E::kOverran},
    {V::kSilent,          {C::kNothing, N::kAskNetwork}, {C::kAttempt, N::kBackOff},  F::kCharged,  K::kUnreachable, E::kEnded},
    {V::kLost,            {C::kAttempt, N::kBackOff},    {C::kAttempt, N::kBackOff},  F::kCharged,  K::kUnreachable, E::kEnded},
    {V::kUnanswered,      {C::kAttempt, N::kBackOff},    {C::kAttempt, N::kBackOff},  F::kCharged,  K::kSilent,      E::kEnded},
    {V::kFaulty,          {C::kFault,   N::kElsewhere},  {C::kNothing, N::kFail},     F::kNever,    K::kAnswered,    E::kEnded},
    {V::kFinal,           {C::kNothing, N::kFail},       {C::kNothing, N::kFail},     F::kNever,    K::kAnswered,    E::kEnded},
};
// clang-format on

// Row by row, so that a verdict is its row's index.
constexpr bool IsInOrder() {
  for (size_t i = 0; i < std::size(kTable); ++i)
    if (static_cast<size_t>(kTable[i].verdict) != i) return false;
  return std::size(kTable) == static_cast<size_t>(Verdict::kFinal) + 1;
}
static_assert(IsInOrder());

}  // namespace

const VerdictRow& RowOf(Verdict verdict) {
  return kTable[static_cast<size_t>(verdict)];
}

}  // namespace troupe
