// The child's side of `isolate`: the same program with the same flags, that
// serves no network but the socket its host gave it.
//
// Thread safety: from main, before threads start.
#pragma once

#include "services/actor/actor.h"

namespace troupe {

// "MEMORY_BYTES:PARENT_PID" in the environment of a child.
inline constexpr char kIsolatedChildVariable[] = "TROUPE_ISOLATED_CHILD";
inline constexpr int kIsolatedSocket = 3;
inline constexpr int kIsolatedOutOfMemory = 71;  // The child's exit code.

bool IsIsolatedChild();

// Limits this process as told in the environment: memory, no core files, death
// with its host. Before the actor is made.
void EnterIsolation();

// Answers the host's messages until it closes the socket. Returns the exit
// code.
int RunIsolatedChild(Actor& actor);

}  // namespace troupe
