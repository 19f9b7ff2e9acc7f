// A stage that hands its table back: what is left is the runtime. With --parse
// it reads and writes the table, as every stage does that has work to do.
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "services/base/status_macros.h"
#include "services/host/run_actor.h"
#include "services/host/stage.h"
#include "services/table/wire.h"

ABSL_FLAG(bool, parse, false, "read and check each table, and write it anew");

namespace troupe {
namespace {

class Echo : public Stage {
 public:
  static constexpr absl::string_view kName = "echo";

  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context&) override {
    pb::ProcessResponse response;
    if (parse_) {
      ASSIGN_OR_RETURN(Table table, ParseTable(request.table()));
      response.set_rows(table.rows);
      response.set_table(SerializeTable(std::move(table)).value());
    } else {
      response.set_table(std::move(*request.mutable_table()));
    }
    return response;
  }

 private:
  const bool parse_ = absl::GetFlag(FLAGS_parse);
};

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::Echo>(argc, argv);
}
