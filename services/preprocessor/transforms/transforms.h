// The factories of all transforms, one per file of this folder. The step must
// hold the message of that name.
//
// Thread safety: functions without state.
#pragma once

#include <memory>

#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

using TransformFactory =
    std::unique_ptr<const Transform> (*)(const pb::Step& step);

std::unique_ptr<const Transform> MakeBucketize(const pb::Step& step);
std::unique_ptr<const Transform> MakeCast(const pb::Step& step);
std::unique_ptr<const Transform> MakeClip(const pb::Step& step);
std::unique_ptr<const Transform> MakeDateParts(const pb::Step& step);
std::unique_ptr<const Transform> MakeDrop(const pb::Step& step);
std::unique_ptr<const Transform> MakeImpute(const pb::Step& step);
std::unique_ptr<const Transform> MakeKeep(const pb::Step& step);
std::unique_ptr<const Transform> MakeLog1p(const pb::Step& step);
std::unique_ptr<const Transform> MakeMinMax(const pb::Step& step);
std::unique_ptr<const Transform> MakeOneHot(const pb::Step& step);
std::unique_ptr<const Transform> MakeOrdinal(const pb::Step& step);
std::unique_ptr<const Transform> MakeRename(const pb::Step& step);
std::unique_ptr<const Transform> MakeRobust(const pb::Step& step);
std::unique_ptr<const Transform> MakeStandardize(const pb::Step& step);

}  // namespace troupe::preprocessor
