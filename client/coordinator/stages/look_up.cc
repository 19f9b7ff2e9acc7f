#include "client/coordinator/stages/look_up.h"

#include <utility>

namespace troupe {

LookUp::LookUp(std::unique_ptr<Resolver> resolver, Timers* asking,
               Timers* telling)
    : asking_(asking),
      interval_(resolver->interval()),
      desk_(std::make_shared<Desk>()) {
  desk_->resolver = std::move(resolver);
  MutexLock lock(&desk_->mutex);
  desk_->telling = telling;
}

LookUp::~LookUp() {
  MutexLock lock(&desk_->mutex);
  desk_->telling = nullptr;
}

void LookUp::After(absl::Duration delay,
                   std::function<void(const absl::StatusOr<Addresses>&)> told) {
  asking_->After(delay, [desk = desk_, told = std::move(told)] {
    {
      MutexLock lock(&desk->mutex);
      if (desk->telling == nullptr) return;
    }
    absl::StatusOr<Addresses> found = desk->resolver->Resolve();
    MutexLock lock(&desk->mutex);
    if (desk->telling == nullptr) return;
    desk->telling->Soon([told, found = std::move(found)] { told(found); });
  });
}

}  // namespace troupe
