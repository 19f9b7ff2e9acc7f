// How processes trust each other: the one place to change when TLS comes.
// Insecure for now, which is why every process listens on loopback unless told
// otherwise.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <memory>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace troupe {

// What a server listens with.
inline std::shared_ptr<grpc::ServerCredentials> ServerCredentials() {
  return grpc::InsecureServerCredentials();
}

// What a client connects with.
inline std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() {
  return grpc::InsecureChannelCredentials();
}

}  // namespace troupe
