"""`zoo studio`: editing in the browser, a page of plain HTML on Starlette and uvicorn.

The masks are painted by hand, so class ids must be drawn without anti-aliasing, clicked, undone and driven by keyboard,
all in the browser; Gradio's sketch pad does none of that. What is left for a server is small: this package.

- ``models``: checkpoints as the page sees them; ``examples``: pictures to begin with; ``training``: the first model of
  a user who has none, in a process on a ``leash``.
- ``fields``, ``uploads``, ``wire``: what comes in and goes out, checked; ``guard``: who may talk to the server.
- ``store``: codes and pictures by handle; ``work``: the one thread that runs the networks.
- ``scene``, ``session``: a mask with codes, and everything the page can do to it; ``server``: the routes;
  ``launch``: from a command line to a page in the browser.
"""
