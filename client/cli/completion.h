// Completion tells what a word of a command line may be. It reads the commands'
// own options, so that it knows what they know, and asks the coordinator, where
// one answers soon, for jobs, pipelines and uploads.
//
// The scripts that `troupe completion SHELL` prints ask it for every word:
// `troupe __complete WORD...`, the last word being the one that is typed.
//
// Thread safety: one thread.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cli/session.h"

namespace troupe {

inline constexpr char kCompleteCommand[] = "__complete";

struct Completion {
  struct Candidate {
    std::string word;
    std::string description;
  };
  std::vector<Candidate> candidates;
  bool files = false;  // Names of files are meant.
};

// `words` follow `troupe`; the last one, perhaps empty, is to be completed.
// Never fails: what cannot be known is left out.
Completion Complete(const CLI::App& app, Session& session,
                    const std::vector<std::string>& words);

// A line for each candidate, `word<TAB>description`, and at last ":files" or
// ":words".
std::string CompletionText(const Completion& completion);

// What the shell has to be told: bash, zsh or fish; "" for others.
absl::string_view CompletionScript(absl::string_view shell);

}  // namespace troupe
