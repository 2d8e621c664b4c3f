"""From noise to colours: the flow, its noise and its seeds."""
