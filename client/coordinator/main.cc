#include "client/coordinator/coordinator.h"
#include "services/host/run_actor.h"

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::Coordinator>(argc, argv);
}
