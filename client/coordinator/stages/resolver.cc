#include "client/coordinator/stages/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 20;

// One entry of a target: a name or address with a port, or a socket's path.
struct Endpoint {
  std::string host;
  int port = 0;
  std::string path;
};

absl::Status BadTarget(absl::string_view target) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_TARGET",
                   absl::StrCat("\"", target,
                                "\" is no target; write dns:HOST:PORT, "
                                "HOST:PORT[,HOST:PORT...] or file:PATH"));
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  Endpoint endpoint;
  absl::string_view host = absl::StripAsciiWhitespace(text);
  if (absl::ConsumePrefix(&host, "unix:")) {
    if (host.empty()) return BadTarget(text);
    endpoint.path = std::string(host);
    return endpoint;
  }
  const size_t colon = host.rfind(':');
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(host.substr(colon + 1), &endpoint.port) ||
      endpoint.port < 1 || endpoint.port > 65535)
    return BadTarget(text);
  host = host.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) {
    if (!absl::ConsumeSuffix(&host, "]")) return BadTarget(text);
  } else if (host.find(':') != absl::string_view::npos) {
    return BadTarget(text);  // An IPv6 address needs brackets.
  }
  if (host.empty()) return BadTarget(text);
  endpoint.host = std::string(host);
  return endpoint;
}

std::string AddressText(const addrinfo& found, int port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (found.ai_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(found.ai_addr);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", port);
  }
  const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(found.ai_addr);
  inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
  return absl::StrCat("ipv6:[", text, "]:", port);
}

// The addresses of one family. No such name: none. Blocks.
absl::StatusOr<std::set<std::string>> LookUp(const Endpoint& endpoint,
                                             int family) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found);
  std::set<std::string> addresses;
  if (error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY)
    return addresses;
  if (error != 0)
    return absl::UnavailableError(absl::StrCat(
        "cannot look up \"", endpoint.host, "\": ", gai_strerror(error)));
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
    addresses.insert(AddressText(*one, endpoint.port));
  freeaddrinfo(found);
  return addresses;
}

absl::StatusOr<std::vector<std::string>> LookUpAll(
    const std::vector<Endpoint>& endpoints) {
  std::set<std::string> all;
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.path.empty()) {
      all.insert(absl::StrCat("unix:", endpoint.path));
      continue;
    }
    ASSIGN_OR_RETURN(std::set<std::string> found, LookUp(endpoint, AF_INET));
    if (found.empty()) {
      ASSIGN_OR_RETURN(found, LookUp(endpoint, AF_INET6));
    }
    all.insert(found.begin(), found.end());
  }
  return std::vector<std::string>(all.begin(), all.end());
}

class NameResolver : public Resolver {
 public:
  explicit NameResolver(std::vector<Endpoint> endpoints)
      : endpoints_(std::move(endpoints)) {}
  absl::StatusOr<std::vector<std::string>> Resolve() override {
    return LookUpAll(endpoints_);
  }
  absl::Duration interval() const override { return absl::Seconds(2); }

 private:
  const std::vector<Endpoint> endpoints_;
};

class FileResolver : public Resolver {
 public:
  explicit FileResolver(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<std::vector<std::string>> Resolve() override {
    std::ifstream file(path_, std::ios::binary);
    if (!file)
      return absl::UnavailableError(absl::StrCat("cannot read ", path_));
    std::string text(static_cast<size_t>(kMaxFileBytes), '\0');
    file.read(text.data(), kMaxFileBytes);
    text.resize(static_cast<size_t>(file.gcount()));
    std::vector<Endpoint> endpoints;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
      if (line.empty()) continue;
      ASSIGN_OR_RETURN(endpoints.emplace_back(), ParseEndpoint(line));
    }
    return LookUpAll(endpoints);
  }
  absl::Duration interval() const override { return absl::Seconds(1); }

 private:
  const std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(
    absl::string_view target) {
  absl::string_view rest = target;
  if (absl::ConsumePrefix(&rest, "file:")) {
    if (rest.empty()) return BadTarget(target);
    return std::make_unique<FileResolver>(std::string(rest));
  }
  absl::ConsumePrefix(&rest, "dns:");
  std::vector<Endpoint> endpoints;
  for (const absl::string_view text : absl::StrSplit(rest, ',')) {
    ASSIGN_OR_RETURN(endpoints.emplace_back(), ParseEndpoint(text));
  }
  return std::make_unique<NameResolver>(std::move(endpoints));
}

}  // namespace troupe
