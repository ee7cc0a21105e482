"""Entry point of the web server: always with the web login of the database."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")
os.environ.setdefault("POWEROPTIX_PROCESS", "web")
application = get_wsgi_application()
