#include "services/host/run_actor.h"
#include "services/preprocessor/preprocessor.h"

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::preprocessor::Preprocessor>(argc, argv);
}
