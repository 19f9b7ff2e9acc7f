#include "services/host/run_actor.h"
#include "services/loader/loader.h"

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::loader::Loader>(argc, argv);
}
