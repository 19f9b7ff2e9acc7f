#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "client/coordinator/output/output_writer.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

absl::Status Damaged(const std::string& path) {
  return MakeError(absl::StatusCode::kDataLoss, "OUTPUT_DAMAGED",
                   absl::StrCat("\"", path,
                                "\" is not as the job left it; delete the job, "
                                "and submit it again"));
}

absl::Status CheckFile(const std::string& directory, const pb::Part& part,
                       const MayGoOn& may_go_on) {
  const std::string path = absl::StrCat(directory, "/", part.name());
  std::ifstream file(path, std::ios::binary);
  std::string piece(size_t{1} << 20, '\0');
  Sha256 digest;
  int64_t bytes = 0;
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())),
         file.gcount() > 0) {
    RETURN_IF_ERROR(may_go_on());
    digest.Update(
        absl::string_view(piece.data(), static_cast<size_t>(file.gcount())));
    bytes += file.gcount();
  }
  return bytes == part.bytes() && digest.Finish() == part.sha256()
             ? absl::OkStatus()
             : Damaged(path);
}

}  // namespace

absl::StatusOr<pb::Manifest> ReadPublished(const std::string& directory,
                                           const MayGoOn& may_go_on) {
  if (!std::filesystem::exists(directory))
    return absl::NotFoundError("nothing was published");
  const std::string path = directory + "/manifest.json";
  std::ifstream file(path);
  std::ostringstream json;
  json << file.rdbuf();
  pb::Manifest manifest;
  if (!file.good() ||
      !google::protobuf::util::JsonStringToMessage(json.str(), &manifest).ok())
    return Damaged(path);
  for (const pb::Part& part : manifest.parts())
    RETURN_IF_ERROR(CheckFile(directory, part, may_go_on));
  if (manifest.has_rejects())
    RETURN_IF_ERROR(CheckFile(directory, manifest.rejects(), may_go_on));
  return manifest;
}

}  // namespace troupe
