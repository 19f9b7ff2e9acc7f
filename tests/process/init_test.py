"""`troupe init` writes a pipeline file that trains as it stands, on tables in the shapes of public ones."""
import random
import unittest

from company import Company

ROWS = 400


def table(seed: int, header: str, row, delimiter: str = ",", rows: int = ROWS) -> str:
    """A header, and `row(random, number)` again and again."""
    rng = random.Random(seed)
    lines = [header] + [delimiter.join(str(cell) for cell in row(rng, i)) for i in range(rows)]
    return "\n".join(line for line in lines if line) + "\n"


def quoted(*names: str, delimiter: str = ";") -> str:
    return delimiter.join(f'"{name}"' for name in names)


def iris(rng, i):
    kind = i % 3
    return [f"{rng.gauss(5 + kind, .4):.1f}", f"{rng.gauss(3, .3):.1f}", f"{rng.gauss(1.5 + 2 * kind, .3):.1f}",
            f"{rng.gauss(.3 + kind, .1):.1f}", ("setosa", "versicolor", "virginica")[kind]]


def titanic(rng, i):
    age = "" if rng.random() < .2 else f"{rng.uniform(1, 70):.1f}".replace(".0", "")
    return [i + 1, rng.randint(0, 1), rng.randint(1, 3), f'"Person {i}, Mr. ""Al"" {i}"', rng.choice(["male", "female"]),
            age, rng.randint(0, 3), rng.randint(0, 2), f"A/5 {10000 + i}", f"{rng.uniform(7, 80):.4f}",
            "" if rng.random() < .8 else f"C{rng.randint(1, 99)}", rng.choice(["S", "C", "Q", ""])]


def adult(rng, i):
    return [rng.randint(17, 90), f" {rng.choice(['Private', 'State-gov', '?'])}", f" {rng.randint(10000, 900000)}",
            f" {rng.choice(['Bachelors', 'HS-grad', 'Masters'])}", f" {rng.randint(1, 16)}",
            f" {rng.choice(['Never-married', 'Divorced'])}", f" {rng.choice(['Sales', 'Tech-support', '?'])}",
            f" {rng.choice(['Husband', 'Wife'])}", f" {rng.choice(['White', 'Black'])}",
            f" {rng.choice(['Male', 'Female'])}", f" {rng.choice([0, 0, 7298])}", " 0", f" {rng.randint(10, 60)}",
            f" {rng.choice(['United-States', 'Cuba', '?'])}", f" {rng.choice(['<=50K', '<=50K', '>50K'])}"]


def wine(rng, i):
    return [f"{rng.uniform(4, 15):.1f}", f"{rng.uniform(.1, 1):.2f}", f"{rng.uniform(0, 1):.2f}",
            f"{rng.uniform(1, 9):.1f}", f"{rng.uniform(.01, .2):.3f}", rng.randint(1, 60), rng.randint(6, 200),
            f"{rng.uniform(.99, 1):.4f}", f"{rng.uniform(2.8, 4):.2f}", f"{rng.uniform(.3, 2):.2f}",
            f"{rng.uniform(8, 14):.1f}", rng.choice([3, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8])]


def penguins(rng, i):
    if i == 3:
        return ["Adelie", "Torgersen", "NA", "NA", "NA", "NA", "NA", 2007]
    return [("Adelie", "Chinstrap", "Gentoo")[i % 3], rng.choice(["Torgersen", "Biscoe", "Dream"]),
            f"{rng.uniform(32, 60):.1f}", f"{rng.uniform(13, 22):.1f}", rng.randint(170, 230), rng.randint(2700, 6300),
            rng.choice(["male", "female", "NA"]), rng.choice([2007, 2008, 2009])]


def auto_mpg(rng, i):
    return [f"{rng.uniform(9, 46):.1f}", rng.choice([4, 6, 8]), f"{rng.uniform(70, 450):.1f}",
            "?" if i % 60 == 7 else rng.randint(46, 230), rng.randint(1600, 5100), f"{rng.uniform(8, 25):.1f}",
            rng.randint(70, 82), rng.randint(1, 3), f'"car {i} of {rng.randint(1, 99)}"']


def diamonds(rng, i):
    return [f'"{i + 1}"', f"{rng.uniform(.2, 3):.2f}", f'"{rng.choice(["Ideal", "Premium", "Good"])}"',
            f'"{rng.choice("DEFGHIJ")}"', f'"{rng.choice(["SI1", "VS2", "IF"])}"', f"{rng.uniform(55, 66):.1f}",
            rng.randint(52, 65), rng.randint(326, 18000), f"{rng.uniform(3, 9):.2f}", f"{rng.uniform(3, 9):.2f}",
            f"{rng.uniform(2, 6):.2f}"]


def california(rng, i):
    return [f"{rng.uniform(-124, -114):.2f}", f"{rng.uniform(32, 42):.2f}", f"{rng.randint(1, 52)}.0",
            f"{rng.randint(2, 30000)}.0", "" if i % 90 == 5 else f"{rng.randint(1, 6000)}.0",
            f"{rng.randint(3, 30000)}.0", f"{rng.randint(1, 6000)}.0", f"{rng.uniform(.5, 15):.4f}",
            f"{rng.randint(15000, 500001)}.0", rng.choice(["NEAR BAY", "INLAND", "<1H OCEAN"])]


def bank(rng, i):
    def word(*words):
        return f'"{rng.choice(words)}"'
    return [rng.randint(18, 90), word("admin.", "technician", "unknown"), word("married", "single"),
            word("primary", "secondary", "unknown"), word("no", "yes"), rng.randint(-2000, 20000), word("no", "yes"),
            word("no", "yes"), word("cellular", "unknown"), rng.randint(1, 31), word("may", "jun", "jul"),
            rng.randint(4, 3000), rng.randint(1, 40), rng.choice([-1, 90, 182]), rng.randint(0, 9),
            word("unknown", "failure", "success"), word("no", "no", "yes")]


def heart(rng, i):
    return [rng.randint(29, 77), rng.randint(0, 1), rng.randint(1, 4), rng.randint(94, 200), rng.randint(126, 564),
            rng.randint(0, 1), rng.randint(0, 2), rng.randint(71, 202), rng.randint(0, 1), f"{rng.uniform(0, 6):.1f}",
            rng.randint(1, 3), "?" if i % 80 == 9 else rng.randint(0, 3), rng.choice([3, 6, 7]), rng.randint(0, 1)]


def sales(rng, i):
    return [f"2024-{1 + i % 12:02}-{1 + i % 28:02}", rng.choice(["Nord", "Sued"]),
            f"{rng.uniform(1, 99):.2f}".replace(".", ","), f"{rng.uniform(100, 900):.2f}".replace(".", ",")]


# name: (file, content, target, objective)
TABLES = {
    "iris": ("iris.csv", table(1, "sepal_length,sepal_width,petal_length,petal_width,species", iris, rows=150),
             "species", "multiclass"),
    "iris without a header": ("iris.data", table(1, "", iris, rows=150), '"4"', "multiclass"),
    "titanic": ("titanic.csv", table(
        2, "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked", titanic),
        "Survived", "binary"),
    "adult": ("adult.csv", table(
        3, "age, workclass, fnlwgt, education, education-num, marital-status, occupation, relationship, race, sex, "
           "capital-gain, capital-loss, hours-per-week, native-country, income", adult), "income", "binary"),
    "wine quality": ("winequality-red.csv", table(4, quoted(
        "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
        "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality"), wine, ";"),
        "quality", "multiclass"),
    "penguins": ("penguins.csv", table(
        5, "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year", penguins),
        "species", "multiclass"),
    "auto mpg": ("auto-mpg.csv", table(
        6, "mpg,cylinders,displacement,horsepower,weight,acceleration,model year,origin,car name", auto_mpg),
        "mpg", "regression"),
    "diamonds": ("diamonds.csv", table(
        7, quoted("", "carat", "cut", "color", "clarity", "depth", "table", "price", "x", "y", "z", delimiter=","),
        diamonds), "price", "regression"),
    "california housing": ("housing.csv", table(
        8, "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,median_income,"
           "median_house_value,ocean_proximity", california), "median_house_value", "regression"),
    "bank marketing": ("bank-full.csv", table(9, quoted(
        "age", "job", "marital", "education", "default", "balance", "housing", "loan", "contact", "day", "month",
        "duration", "campaign", "pdays", "previous", "poutcome", "y"), bank, ";"), '"y"', "binary"),
    "heart disease": ("heart.csv", table(
        10, "age,sex,cp,trestbps,chol,fbs,restecg,thalach,exang,oldpeak,slope,ca,thal,target", heart),
        "target", "binary"),
    "sales with decimal commas": ("sales.csv", table(11, "day;region;price;amount", sales, ";"), None, "regression"),
}


class Init(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.home = cls.company.directory / "home"
        cls.home.mkdir()

    def troupe(self, *words, code=0):
        return self.company.troupe(*words, code=code, cwd=self.home)

    def test_every_table_trains_as_it_stands(self):
        for name, (file, content, target, objective) in TABLES.items():
            with self.subTest(table=name):
                (self.home / file).write_text(content)
                self.troupe("init", file, "--output", "p.yaml", "--force")
                text = (self.home / "p.yaml").read_text()
                if target:
                    self.assertIn(f"target: {target.strip(chr(34))} ", text.replace('"', ""))
                self.assertIn(f"objective: {objective} ", text)
                self.assertIn("guess", text)
                self.assertIn("stored as", self.troupe("train", "p.yaml").stdout)
        # Nothing of what it looked at is left.
        self.assertNotIn("INSPECT", self.troupe("jobs").stdout.upper())

    def test_writes_to_standard_output_and_never_over_a_file(self):
        file, content, *_ = TABLES["iris"]
        (self.home / file).write_text(content)
        text = self.troupe("init", file).stdout
        self.assertIn("name: iris", text)
        (self.home / "mine.yaml").write_text("mine")
        refused = self.troupe("init", file, "--output", "mine.yaml", code=2)
        self.assertIn("--force", refused.stderr)
        self.assertEqual((self.home / "mine.yaml").read_text(), "mine")
        self.troupe("init", file, "--output", "mine.yaml", "--force", "--name", "other")
        self.assertIn("name: other", (self.home / "mine.yaml").read_text())

    def test_takes_a_target_and_refuses_one_that_is_not_there(self):
        file, content, *_ = TABLES["iris"]
        (self.home / file).write_text(content)
        text = self.troupe("init", file, "--target", "sepal_width").stdout
        self.assertIn("target: sepal_width", text)
        self.assertIn("objective: regression", text)
        refused = self.troupe("init", file, "--target", "specis", code=2)
        self.assertIn('did you mean "species"?', refused.stderr)


if __name__ == "__main__":
    unittest.main()
