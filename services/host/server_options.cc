#include "services/host/server_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "grpc/impl/codegen/grpc_types.h"
#include "grpcpp/resource_quota.h"

namespace troupe {
namespace {

// The number in this file; 0 where there is none.
int64_t NumberIn(const char* path) {
  std::FILE* const file = std::fopen(path, "r");
  if (file == nullptr) return 0;
  long long bytes = 0;
  if (std::fscanf(file, "%lld", &bytes) != 1) bytes = 0;  // "max"
  std::fclose(file);
  return bytes;
}

// The limit of our control group, version 2 or 1; 0 where there is none.
int64_t CgroupLimitBytes() {
  const int64_t bytes = NumberIn("/sys/fs/cgroup/memory.max");
  return bytes > 0 ? bytes
                   : NumberIn("/sys/fs/cgroup/memory/memory.limit_in_bytes");
}

}  // namespace

int64_t MemoryBudgetBytes() {
  const int64_t machine =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  const int64_t group = CgroupLimitBytes();
  return (group > 0 ? std::min(group, machine) : machine) / 2;
}

void HardenServer(grpc::ServerBuilder& builder, int64_t max_message_bytes) {
  const int max_bytes = static_cast<int>(
      std::min<int64_t>(max_message_bytes, std::numeric_limits<int>::max()));
  builder.SetMaxReceiveMessageSize(max_bytes);
  builder.SetMaxSendMessageSize(max_bytes);
  grpc::ResourceQuota quota("troupe");
  quota.Resize(static_cast<size_t>(MemoryBudgetBytes()));
  builder.SetResourceQuota(quota);

  // A few megabytes of gzip become gigabytes: nobody here compresses, and what
  // comes compressed is refused (UNIMPLEMENTED), not inflated.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // A peer that is gone is noticed within 30 s; clients may ask every 10 s.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // Connections that never speak, or no more.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 300'000);
  // More than a mailbox holds: what is too much must arrive to be refused at
  // once, rather than wait on the other side.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 256);
}

}  // namespace troupe
