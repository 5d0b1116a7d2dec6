"""The contract: what may be asked of Scenario's named inferences, as data and pure functions."""
