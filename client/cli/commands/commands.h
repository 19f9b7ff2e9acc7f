// The commands of `troupe`, one file each. Add... makes a subcommand that sets
// session.command when it is chosen.
//
// Thread safety: one thread.
#pragma once

#include <CLI/App.hpp>

#include "client/cli/session.h"

namespace troupe {

void AddTrain(CLI::App& app, Session& session);
void AddScore(CLI::App& app, Session& session);
void AddEvaluate(CLI::App& app, Session& session);
void AddPredict(CLI::App& app, Session& session);
void AddTransform(CLI::App& app, Session& session);
void AddInspect(CLI::App& app, Session& session);
void AddInit(CLI::App& app, Session& session);
void AddFetch(CLI::App& app, Session& session);
void AddJobs(CLI::App& app, Session& session);
void AddWatch(CLI::App& app, Session& session);
void AddWait(CLI::App& app, Session& session);
void AddCancel(CLI::App& app, Session& session);
void AddResume(CLI::App& app, Session& session);
void AddJournal(CLI::App& app, Session& session);
void AddDelete(CLI::App& app, Session& session);
void AddUploads(CLI::App& app, Session& session);
void AddPipelines(CLI::App& app, Session& session);
void AddShow(CLI::App& app, Session& session);
void AddLabel(CLI::App& app, Session& session);
void AddExport(CLI::App& app, Session& session);
void AddImport(CLI::App& app, Session& session);
void AddBackup(CLI::App& app, Session& session);
void AddRestore(CLI::App& app, Session& session);
void AddStatus(CLI::App& app, Session& session);
void AddHealth(CLI::App& app, Session& session);
void AddStop(CLI::App& app, Session& session);
void AddCompletion(CLI::App& app, Session& session);

}  // namespace troupe
