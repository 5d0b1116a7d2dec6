"""An honest local imitation of Scenario's API: real images, made-up money, no account. Imports none of our rooms."""
