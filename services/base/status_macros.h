// RETURN_IF_ERROR and ASSIGN_OR_RETURN, for functions that return absl::Status
// or absl::StatusOr.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                                     \
  do {                                                                  \
    if (absl::Status troupe_status = (expression); !troupe_status.ok()) \
      return troupe_status;                                             \
  } while (false)

#define TROUPE_CONCAT_INNER(a, b) a##b
#define TROUPE_CONCAT(a, b) TROUPE_CONCAT_INNER(a, b)

// `left` is a declaration or an lvalue: ASSIGN_OR_RETURN(auto x, F());
#define ASSIGN_OR_RETURN(left, expression) \
  ASSIGN_OR_RETURN_INNER(TROUPE_CONCAT(troupe_or_, __LINE__), left, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, left, expression)  \
  auto temporary = (expression);                             \
  if (!temporary.ok()) return std::move(temporary).status(); \
  left = *std::move(temporary)
