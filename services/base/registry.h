// A Registry maps names to factories, and says which name was meant.
//
// Thread safety: Add before threads start; Find from any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"

namespace troupe {

template <typename Factory>
class Registry {
 public:
  // `kind` is what error messages call an entry: "transform", "backend".
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  void Add(std::string name, Factory factory) {
    factories_.emplace(std::move(name), std::move(factory));
  }

  // Returns the factory, or INVALID_ARGUMENT (UNKNOWN_NAME) with the nearest
  // name.
  absl::StatusOr<Factory> Find(absl::string_view name) const {
    const auto found = factories_.find(name);
    if (found != factories_.end()) return found->second;
    return UnknownName(kind_, name, Names());
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, factory] : factories_) names.push_back(name);
    return names;
  }

 private:
  const std::string kind_;
  std::map<std::string, Factory, std::less<>> factories_;
};

}  // namespace troupe
