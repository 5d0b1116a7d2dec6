"""What the tests stand on: a clock without waiting, a network with faults, pictures, and hosts."""
