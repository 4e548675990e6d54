"""The works that a report cites, each with what a list of references needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reference:
    """A work.

    Attributes:
        key: by which BibTeX knows it.
        authors: as `Family, G.`, in order; `others`, as BibTeX has it, for those that are left out.
        year: of publication.
        title: of the work.
        journal: it stands in, or the proceedings.
        volume: of the journal; empty for proceedings.
        pages: from and to.
    """

    key: str
    authors: tuple[str, ...]
    year: int
    title: str
    journal: str
    volume: str
    pages: str

    @property
    def short(self) -> str:
        """The work in a text: `Holm 1979`."""
        names = [author.split(",")[0] for author in self.authors]
        who = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."  # noqa: PLR2004
        return f"{who} {self.year}"

    @property
    def text(self) -> str:
        """The work in a list of references."""
        where = f"{self.journal} {self.volume}".strip()
        who = ", ".join("et al." if author == "others" else author for author in self.authors)
        return f"{who} ({self.year}). {self.title}. {where}, {self.pages}."


def entry(work: Reference) -> str:
    """Return a work as BibTeX."""
    kind, where = ("article", "journal") if work.volume else ("inproceedings", "booktitle")
    fields = {
        "author": " and ".join(work.authors),
        "title": f"{{{work.title}}}",
        where: work.journal,
        "volume": work.volume,
        "pages": work.pages.replace("-", "--"),
        "year": str(work.year),
    }
    safe = {name: value.replace("&", r"\&") for name, value in fields.items() if value}
    lines = [f"  {name} = {{{value}}}," for name, value in safe.items()]
    return "\n".join([f"@{kind}{{{work.key},", *lines, "}"])


STUDENT: Final = Reference("student1908", ("Student",), 1908, "The probable error of a mean", "Biometrika", "6", "1-25")
WELCH: Final = Reference(
    "welch1947",
    ("Welch, B. L.",),
    1947,
    "The generalization of 'Student's' problem when several different population variances are involved",
    "Biometrika",
    "34",
    "28-35",
)
BONETT_PRICE: Final = Reference(
    "bonett2012",
    ("Bonett, D. G.", "Price, R. M."),
    2012,
    "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data",
    "Journal of Educational and Behavioral Statistics",
    "37",
    "479-488",
)
AGRESTI_CAFFO: Final = Reference(
    "agresti2000",
    ("Agresti, A.", "Caffo, B."),
    2000,
    "Simple and effective confidence intervals for proportions and differences of proportions result from adding two successes "
    "and two failures",
    "The American Statistician",
    "54",
    "280-288",
)
WILCOXON: Final = Reference(
    "wilcoxon1945", ("Wilcoxon, F.",), 1945, "Individual comparisons by ranking methods", "Biometrics Bulletin", "1", "80-83"
)
MANN_WHITNEY: Final = Reference(
    "mann1947",
    ("Mann, H. B.", "Whitney, D. R."),
    1947,
    "On a test of whether one of two random variables is stochastically larger than the other",
    "The Annals of Mathematical Statistics",
    "18",
    "50-60",
)
JANSSEN: Final = Reference(
    "janssen1997",
    ("Janssen, A.",),
    1997,
    "Studentized permutation tests for non-i.i.d. hypotheses and the generalized Behrens-Fisher problem",
    "Statistics & Probability Letters",
    "36",
    "9-21",
)
EFRON: Final = Reference(
    "efron1987",
    ("Efron, B.",),
    1987,
    "Better bootstrap confidence intervals",
    "Journal of the American Statistical Association",
    "82",
    "171-185",
)
MCNEMAR: Final = Reference(
    "mcnemar1947",
    ("McNemar, Q.",),
    1947,
    "Note on the sampling error of the difference between correlated proportions or percentages",
    "Psychometrika",
    "12",
    "153-157",
)
HEDGES: Final = Reference(
    "hedges1981",
    ("Hedges, L. V.",),
    1981,
    "Distribution theory for Glass's estimator of effect size and related estimators",
    "Journal of Educational Statistics",
    "6",
    "107-128",
)
BONETT: Final = Reference(
    "bonett2008",
    ("Bonett, D. G.",),
    2008,
    "Confidence intervals for standardized linear contrasts of means",
    "Psychological Methods",
    "13",
    "99-109",
)
HOLM: Final = Reference(
    "holm1979",
    ("Holm, S.",),
    1979,
    "A simple sequentially rejective multiple test procedure",
    "Scandinavian Journal of Statistics",
    "6",
    "65-70",
)
BENJAMINI_HOCHBERG: Final = Reference(
    "benjamini1995",
    ("Benjamini, Y.", "Hochberg, Y."),
    1995,
    "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
    "Journal of the Royal Statistical Society: Series B",
    "57",
    "289-300",
)
SCHUIRMANN: Final = Reference(
    "schuirmann1987",
    ("Schuirmann, D. J.",),
    1987,
    "A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average "
    "bioavailability",
    "Journal of Pharmacokinetics and Biopharmaceutics",
    "15",
    "657-680",
)
SCIPY: Final = Reference(
    "virtanen2020",
    ("Virtanen, P.", "Gommers, R.", "Oliphant, T. E.", "others"),
    2020,
    "SciPy 1.0: fundamental algorithms for scientific computing in Python",
    "Nature Methods",
    "17",
    "261-272",
)
STATSMODELS: Final = Reference(
    "seabold2010",
    ("Seabold, S.", "Perktold, J."),
    2010,
    "statsmodels: econometric and statistical modeling with Python",
    "Proceedings of the 9th Python in Science Conference",
    "",
    "92-96",
)
