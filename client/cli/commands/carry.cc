// troupe export and import: a fitted pipeline from one coordinator to another.
//
//   "troupe-pipeline 1\n"
//   8 bytes, little endian: length; the pb::Pipeline
//   of each artifact that it names, once, in the order of its hops:
//     8 bytes, little endian: length; the artifact
//   64 hex digits: the SHA-256 of all that; "\n"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/file_chunks.h"
#include "client/cli/options.h"
#include "client/cli/output_file.h"
#include "client/cli/text_format.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

constexpr char kExportExamples[] =
    "  troupe export cancer@3 cancer.pipeline\n"
    "  troupe import cancer.pipeline --coordinator elsewhere:50050\n";
constexpr char kImportExamples[] =
    "  troupe import cancer.pipeline    # becomes the next version of its "
    "name\n";
constexpr char kHeading[] = "troupe-pipeline 1\n";
constexpr int64_t kTrailerBytes = 65;
constexpr int64_t kPieceBytes = int64_t{1} << 20;

std::string LengthBytes(int64_t length) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(static_cast<uint64_t>(length) >> (8 * i));
  return bytes;
}

// The artifacts of a version, each once.
std::vector<std::string> ArtifactsOf(const pb::Pipeline& pipeline) {
  std::vector<std::string> artifacts;
  std::set<std::string> seen;
  for (const pb::Hop& hop : pipeline.hops())
    if (!hop.artifact().empty() && seen.insert(hop.artifact()).second)
      artifacts.push_back(hop.artifact());
  return artifacts;
}

// Writes, and digests what was written.
class CarriedWriter {
 public:
  explicit CarriedWriter(OutputFile* file) : file_(file) {}
  absl::Status Write(absl::string_view bytes) {
    digest_.Update(bytes);
    return file_->Write(bytes);
  }
  absl::Status End() {
    RETURN_IF_ERROR(file_->Write(absl::StrCat(digest_.Finish(), "\n")));
    return file_->Commit();
  }

 private:
  OutputFile* const file_;
  Sha256 digest_;
};

absl::Status WriteArtifact(Session& session, const std::string& sha256,
                           CarriedWriter& writer) {
  pb::ReadArtifactRequest request;
  request.set_sha256(sha256);
  Sha256 digest;
  while (true) {
    ASSIGN_OR_RETURN(const pb::ReadArtifactResponse piece,
                     session.client().ReadArtifact(request));
    if (request.offset() == 0)
      RETURN_IF_ERROR(writer.Write(LengthBytes(piece.bytes())));
    digest.Update(piece.content());
    RETURN_IF_ERROR(writer.Write(piece.content()));
    request.set_offset(request.offset() +
                       static_cast<int64_t>(piece.content().size()));
    if (piece.content().empty() || request.offset() >= piece.bytes()) break;
  }
  return digest.Finish() == sha256
             ? absl::OkStatus()
             : MakeError(absl::StatusCode::kDataLoss, "ARTIFACT_CORRUPT",
                         absl::StrCat("artifact ", sha256,
                                      " arrived with another digest"));
}

absl::StatusOr<ExitCode> Export(Session& session, const std::string& name,
                                const std::string& path) {
  pb::GetPipelineRequest request;
  request.set_pipeline(name);
  ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                   session.client().GetPipeline(request));
  ASSIGN_OR_RETURN(const auto file,
                   OutputFile::Create(path, session.out, session.followed));
  CarriedWriter writer(file.get());
  ASSIGN_OR_RETURN(const std::string bytes, SerializeCanonical(pipeline));
  RETURN_IF_ERROR(writer.Write(kHeading));
  RETURN_IF_ERROR(
      writer.Write(LengthBytes(static_cast<int64_t>(bytes.size()))));
  RETURN_IF_ERROR(writer.Write(bytes));
  for (const std::string& sha256 : ArtifactsOf(pipeline))
    RETURN_IF_ERROR(WriteArtifact(session, sha256, writer));
  RETURN_IF_ERROR(writer.End());
  if (path != "-")
    session.Note(absl::StrCat(pipeline.name(), "@", pipeline.version(),
                              " is in ", path));
  return kDone;
}

absl::Status NotCarried(const std::string& path, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PIPELINE_FILE",
                   absl::StrCat("\"", path,
                                "\" is no exported pipeline, or is "
                                "damaged: ",
                                why));
}

class CarriedReader {
 public:
  static absl::StatusOr<std::unique_ptr<CarriedReader>> Open(
      const std::string& path, std::istream& in) {
    if (path == kStandardInput) return Spooled(in);
    std::unique_ptr<CarriedReader> reader(new CarriedReader(path));
    if (!reader->file_.is_open()) return FileNotFound(path);
    RETURN_IF_ERROR(reader->CheckDigest());
    ASSIGN_OR_RETURN(const std::string heading,
                     reader->Read(sizeof(kHeading) - 1));
    return reader;
  }

  // The next length that the file says.
  absl::StatusOr<int64_t> Length() {
    ASSIGN_OR_RETURN(const std::string bytes, Read(8));
    uint64_t length = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      length |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    if (length > static_cast<uint64_t>(left_))
      return NotCarried(path_, "a length is beyond its end");
    return static_cast<int64_t>(length);
  }

  absl::StatusOr<std::string> Read(int64_t bytes) {
    std::string text(static_cast<size_t>(bytes), '\0');
    if (bytes > left_ ||
        !file_.read(text.data(), static_cast<std::streamsize>(bytes)))
      return NotCarried(path_, "it is too short");
    left_ -= bytes;
    return text;
  }

 private:
  explicit CarriedReader(const std::string& path)
      : path_(path), file_(path, std::ios::binary) {}

  // What comes from `in` is read twice, too: by way of a file without a name.
  static absl::StatusOr<std::unique_ptr<CarriedReader>> Spooled(
      std::istream& in) {
    std::FILE* const spool = std::tmpfile();
    if (spool == nullptr)
      return NotCarried("-", "there is no room for it in the temporary files");
    std::string piece(kPieceBytes, '\0');
    bool kept = true;
    while (kept && (in.read(piece.data(), kPieceBytes), in.gcount() > 0))
      kept = std::fwrite(piece.data(), 1, static_cast<size_t>(in.gcount()),
                         spool) == static_cast<size_t>(in.gcount());
    kept = std::fflush(spool) == 0 && kept;
    absl::StatusOr<std::unique_ptr<CarriedReader>> reader =
        kept
            ? Open(absl::StrCat("/dev/fd/", fileno(spool)), in)
            : NotCarried("-", "there is no room for it in the temporary files");
    std::fclose(spool);  // It is open once more.
    return reader;
  }

  // Nothing is sent of a file that is not as it was written.
  absl::Status CheckDigest() {
    file_.seekg(0, std::ios::end);
    const int64_t size = static_cast<int64_t>(file_.tellg());
    file_.seekg(0);
    left_ = size - kTrailerBytes;
    std::string heading(sizeof(kHeading) - 1, '\0');
    if (left_ < static_cast<int64_t>(heading.size()) ||
        !file_.read(heading.data(),
                    static_cast<std::streamsize>(heading.size())) ||
        heading != kHeading)
      return NotCarried(path_, "it begins otherwise");
    file_.seekg(0);
    Sha256 digest;
    for (int64_t at = 0; at < size - kTrailerBytes; at += kPieceBytes) {
      ASSIGN_OR_RETURN(const std::string piece,
                       Read(std::min(kPieceBytes, left_)));
      digest.Update(piece);
    }
    left_ = kTrailerBytes;
    ASSIGN_OR_RETURN(const std::string trailer, Read(kTrailerBytes));
    if (trailer != digest.Finish() + "\n")
      return NotCarried(path_, "its SHA-256 is wrong");
    left_ = size - kTrailerBytes;
    file_.seekg(0);
    return absl::OkStatus();
  }

  const std::string path_;
  std::ifstream file_;
  int64_t left_ = 0;  // Before the trailer.
};

// Sends the next artifact of the file; its upload.
absl::StatusOr<std::string> SendArtifact(Session& session,
                                         CarriedReader& reader,
                                         const std::string& sha256) {
  ASSIGN_OR_RETURN(int64_t left, reader.Length());
  absl::Status read;  // The client may report its own end of the call.
  const auto sent = session.client().Upload(
      absl::StrCat("artifact-", sha256.substr(0, 12)),
      [&]() -> absl::StatusOr<std::string> {
        auto piece = reader.Read(std::min(kPieceBytes, left));
        if (!piece.ok()) return read = piece.status();
        left -= static_cast<int64_t>(piece->size());
        return piece;
      });
  RETURN_IF_ERROR(read);
  RETURN_IF_ERROR(sent.status());
  return sent->id();
}

absl::StatusOr<ExitCode> Import(Session& session, const std::string& path) {
  ASSIGN_OR_RETURN(const auto reader, CarriedReader::Open(path, *session.in));
  ASSIGN_OR_RETURN(const int64_t length, reader->Length());
  ASSIGN_OR_RETURN(const std::string bytes, reader->Read(length));
  pb::ImportPipelineRequest request;
  if (!request.mutable_pipeline()->ParseFromString(bytes))
    return NotCarried(path, "its description cannot be read");
  for (const std::string& sha256 : ArtifactsOf(request.pipeline())) {
    ASSIGN_OR_RETURN(*request.add_uploads(),
                     SendArtifact(session, *reader, sha256));
  }
  ASSIGN_OR_RETURN(const pb::Pipeline stored,
                   session.client().ImportPipeline(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(stored));
  } else {
    session.out << Printable(stored.name()) << "@" << stored.version() << "\n";
  }
  return kDone;
}

}  // namespace

void AddExport(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "export",
                 "Writes a trained pipeline to a file, for another coordinator",
                 kExportExamples);
  auto name = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  command->add_option("pipeline", *name, "the newest version of NAME, or N")
      ->required()
      ->type_name("NAME[@N]");
  command
      ->add_option("file", *path,
                   "the file to write, \"-\" for standard output")
      ->required()
      ->type_name("FILE");
  command->callback([&session, name, path] {
    session.command = [&session, name, path] {
      return Export(session, *name, *path);
    };
  });
}

void AddImport(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "import",
                                 "Stores a pipeline that `troupe export` wrote",
                                 kImportExamples);
  auto path = std::make_shared<std::string>();
  command
      ->add_option("file", *path, "the file to read, \"-\" for standard input")
      ->required()
      ->type_name("FILE");
  command->callback([&session, path] {
    session.command = [&session, path] { return Import(session, *path); };
  });
}

}  // namespace troupe
