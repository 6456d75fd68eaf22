"""The words that the report uses, each in a sentence."""

GLOSSARY = (
    ("Request", "One question to the product, from its arrival to its one end: answered, refused, given up or lost."),
    ("Potential demand", "Requests that would come if everybody were let in; a phase lets in a share."),
    (
        "Phase",
        "A stretch of the product's life (POC, MVP, production, scale) with its own exposure, serving, staff.",
    ),
    ("Gate", "Conditions that must hold before the next phase begins, looked at every day over a window of days."),
    (
        "Threshold",
        "A limit by which each phase is judged on its last days: passed, missed, or not measured.",
    ),
    (
        "Fixed cost",
        "What is paid whatever the traffic: people, development, data, training, incidents, moves and commitments.",
    ),
    (
        "Variable cost",
        "What serving costs beside commitments: machine time or API fees, a managed endpoint's surcharge, cache, "
        "network, logs, and labels for the monitor. Idle machines belong to it, unless they are committed to.",
    ),
    (
        "Serving cost",
        "Variable cost and, where there are any, the commitments: the cost whose bend is told, as committed machines "
        "serve like others. In sums by nature a commitment is fixed cost.",
    ),
    ("Idle", "Machine time, on demand or under a commitment, that serves no request."),
    ("Rented API", "A service that is paid by the request and runs on somebody else's machines."),
    ("Managed endpoint", "Machines that a provider runs for us, at a surcharge on their price."),
    ("Commitment", "Machines that are promised for a term at a discount, and paid whether they are used or not."),
    ("Elasticity", "By how many per cent the serving cost of a day moves when its requests move by one per cent."),
    ("Bend", "How much a kind of cost lifts (or, below 0, lowers) the elasticity from 1, where cost is proportional."),
    ("Break", "A number of requests a day at which the slope of the cost curve changes."),
    ("95 % interval", "Computed so that it holds the true value in about 95 of 100 cases like this one."),
    ("Percentile", "The 99th percentile of latency is the time within which 99 of 100 answered requests were done."),
    (
        "SLO",
        "Service level objective: of requests that ended, the share promised to be answered within a limit. Each "
        "workload is held to its own. Requests that a rate limit turns away broke their quota and do not count.",
    ),
    (
        "Peak rate",
        "Requests per time as a mean over the busiest record window; within it there are moments with more. Windows "
        "that a change of phase or midnight cuts short do not count where there are whole ones.",
    ),
    ("Replica", "One machine with one model loaded, ready to serve."),
    ("Ready capacity", "Requests per second that the ready replicas serve with full batches, at best."),
    ("Waiting", "Requests that are in a queue and not yet in service, as a mean over time."),
    ("Autoscaler", "The controller that asks for replicas and lets them go by what it measures."),
    ("Cache hit", "A request whose answer is already known, so that it is answered at once and reaches no machine."),
    ("Rate limit", "A quota of requests for each customer; what exceeds it is turned away (throttled)."),
    ("Quality", "Share of right answers. It falls as the world moves away from what the model was trained on (drift)."),
    ("Monitor", "People who label a sample of answers as right or wrong; their verdict comes late and with noise."),
    ("Deploy", "The moment from which a newly trained model serves."),
    ("Value", "What answers are worth by the scenario's own word; never netted with cost."),
    ("Shed", "Refused because the queue was full."),
    ("Exposure", "The share of potential demand that a phase lets in."),
)
