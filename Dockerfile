# One image for every process of the Procfile.
FROM python:3.11-slim-bookworm AS packages
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

# Assets need npm, which the served image does not.
FROM packages AS built
COPY requirements-node.txt .
COPY config/__init__.py config/assets.py config/
RUN cp -r /venv /venv-node && /venv-node/bin/python -m config.assets
COPY . .
RUN for po in locale/*/LC_MESSAGES/*.po; do /venv/bin/pybabel --quiet compile --input-file "$po" --output-file "${po%.po}.mo"; done \
    && SECRET_KEY=only-while-building EMAIL_URL=dummymail:// /venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0 PORT=8000
# Scanned CVs are recognised in the languages of `advisory/cv/ocr.py`.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends tesseract-ocr \
       tesseract-ocr-deu tesseract-ocr-fra tesseract-ocr-spa tesseract-ocr-ita tesseract-ocr-pol tesseract-ocr-nld tesseract-ocr-por \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home facility \
    && install -d -o facility -g facility /data/documents /run/facility
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=built /app /app
USER facility
EXPOSE 8000
CMD ["python", "-m", "config.process", "web"]
