"""What pandas, scikit-learn and XGBoost say, row for row as Troupe splits them."""
import numpy
import xgboost

MASK = (1 << 64) - 1


def _mix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def roles(rows: int, test: float, validation: float, seed: int) -> numpy.ndarray:
    """"train", "validation" or "test" for every row ordinal."""
    mixed_seed = _mix(seed)
    shares = numpy.array([(_mix(mixed_seed ^ row) >> 11) * 2.0**-53 for row in range(rows)])
    return numpy.where(shares < test, "test",
                       numpy.where(shares < test + validation, "validation", "train"))


def boosted(train, train_target, validation, validation_target, parameters, rounds, early_stopping):
    """A booster trained on float32 features, cut to its best round, as Troupe trains it."""
    def matrix(features, target, **options):
        return xgboost.QuantileDMatrix(numpy.asarray(features, numpy.float32), label=target, **options)
    dtrain = matrix(train, train_target)
    watch = []
    if len(validation):
        watch = [(matrix(validation, validation_target, ref=dtrain), "validation")]
    booster = xgboost.train({"tree_method": "hist", **parameters}, dtrain, rounds, evals=watch,
                            early_stopping_rounds=early_stopping or None, verbose_eval=False)
    if early_stopping:
        booster = booster[: booster.best_iteration + 1]
    return booster


def predict(booster, features) -> numpy.ndarray:
    return booster.inplace_predict(numpy.asarray(features, numpy.float32))
