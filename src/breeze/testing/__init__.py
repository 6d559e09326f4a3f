"""For tests of Breeze and of runners made elsewhere. Nothing here needs pytest.

`stream`: `checked` guards a stream by every rule. `scripted`: a real runner that follows a script.
`clock`: `ManualClock`, moved by hand. `conformance`: `check_runner`, the kit that every runner
must pass, with the requests of `samples`.
"""
