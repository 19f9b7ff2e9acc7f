// A Watch is an open server-streaming call that tells its caller how something
// is, again and again. Whoever reads slowly gets the newest value, not all.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/host/open_stream.h"

namespace troupe {

class Watch : public OpenStream {
 public:
  // Sends `message`, after the one on its way; replaces one that still waits.
  virtual void Send(grpc::ByteBuffer message) = 0;

  // Sends what `make` makes, now and after every `interval`. Called on the
  // polling thread; must not block. At most once per Watch.
  virtual void SendEvery(absl::Duration interval,
                         std::function<grpc::ByteBuffer()> make) = 0;

  // Ends the call, after what waits was sent.
  void End(const absl::Status& status) override = 0;

  // Whether it has ended, or the caller left.
  virtual bool ended() const = 0;
};

}  // namespace troupe
