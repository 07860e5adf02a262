"""HTTP faces over the use cases of ``workflow``. FastAPI, Starlette and uvicorn live here only."""
