#include "services/host/run_actor.h"
#include "services/model/model.h"

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::model::Model>(argc, argv);
}
