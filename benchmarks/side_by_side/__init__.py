"""`sa_auth` beside the libraries of others: `make bench-peers`.

Rule: all meet one endpoint in a process of its own and are used through the adapters of `benchmarks.peers`; each library
works in a process of its own, they take turns, and what is told is a ratio to a floor that was measured in these turns.

    endpoint     the server              place        a client's own corner of it
    worker       a library's process     alone        what one thread does in it
                                         together     what many threads or tasks do
    processes    what is measured from outside: a process's start, and many at once
    parts        the table: what is measured, against what, with which goal
    run          the turns               results      the file, and what has become worse
    page         docs/performance.md, and the README's claims      picture      the plot
"""
