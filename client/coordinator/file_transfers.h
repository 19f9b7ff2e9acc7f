// Files that go over the network, piece by piece: uploads that come in, and
// output that goes out.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/state/upload_store.h"
#include "proto/pb.h"
#include "services/host/file_transfer.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Coordinator.Upload. What breaks off leaves nothing; nor does what its caller
// was not told of: nobody can name it.
class UploadTransfer : public FileTransfer {
 public:
  // Null until the coordinator is open, when nothing is called yet.
  explicit UploadTransfer(const JobEnvironment* environment)
      : environment_(environment) {}
  ~UploadTransfer() override;

  absl::Status Take(grpc::ByteBuffer& bytes) override;
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Give() override;

 private:
  const JobEnvironment* const environment_;
  std::unique_ptr<UploadStore::Writer> writer_;
  std::string stored_;  // Its id, until the caller has been told.
  bool answered_ = false;
};

// Coordinator.ReadOutput.
class OutputTransfer : public FileTransfer {
 public:
  OutputTransfer(const JobEnvironment* environment, JobScheduler* scheduler)
      : environment_(environment), scheduler_(scheduler) {}

  absl::Status Take(grpc::ByteBuffer& bytes) override;
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Give() override;

 private:
  const JobEnvironment* const environment_;
  JobScheduler* const scheduler_;
  std::string path_;
  int64_t offset_ = 0;
  int64_t end_ = 0;
};

// Coordinator.LocateOutput.
absl::StatusOr<pb::OutputPlace> LocateOutput(
    const JobEnvironment& environment, JobScheduler& scheduler,
    const pb::LocateOutputRequest& request);

}  // namespace troupe
