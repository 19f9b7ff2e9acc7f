// The child's side of `isolate`: the same program with the same flags, that
// serves no network but the socket its host gave it.
//
// Thread safety: from main, before threads start.
#pragma once

#include "services/actor/actor.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TROUPE_HUGE_SHADOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TROUPE_HUGE_SHADOW 1
#endif

namespace troupe {

// "MEMORY_BYTES:PARENT_PID" in the environment of a child.
inline constexpr char kIsolatedChildVariable[] = "TROUPE_ISOLATED_CHILD";
inline constexpr int kIsolatedSocket = 3;
inline constexpr int kIsolatedOutOfMemory = 71;  // The child's exit code.

// A sanitizer's shadow is larger than any limit of memory: such a build sets
// none.
#ifdef TROUPE_HUGE_SHADOW
inline constexpr bool kHugeShadow = true;
#else
inline constexpr bool kHugeShadow = false;
#endif

bool IsIsolatedChild();

// Limits this process as told in the environment: memory, no core files, death
// with its host. Before the actor is made.
void EnterIsolation();

// Answers the host's messages until it closes the socket. Returns the exit
// code.
int RunIsolatedChild(Actor& actor);

}  // namespace troupe
