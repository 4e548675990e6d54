"""What speakers hold and how far they agree: votes, beliefs, coefficients, and when a block has converged."""

from workbench.dialogue.agreement.coefficients import Level, cohen_kappa, fleiss_kappa, krippendorff_alpha

__all__ = ["Level", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha"]
