#!/bin/sh
# Renews the files of this folder from the real packages, which it takes from PyPI. No test needs it.
#
#     tests/data/oslo/generate.sh FOLDER
#
# FOLDER, outside of the repository, gets the environment and the complete samples. Then
#
#     OUTLAST_OSLO_SAMPLES=FOLDER/samples cargo test --test integration import
#
# imports the complete samples too.
set -eu
repository=$(cd "$(dirname "$0")/../../.." && pwd)
here="$repository/tests/data/oslo"
folder=$1
mkdir -p "$folder/samples"
test -d "$folder/venv" || python3 -m venv "$folder/venv"
# Cinder's list of options imports every backup driver, hence the client of Google.
"$folder/venv/bin/pip" install --quiet keystone==30.0.0 nova==34.0.0 cinder==29.0.0 glance==33.0.0 glance_store==5.7.0 \
    keystonemiddleware==13.0.1 oslo.config==10.7.0 google-api-python-client
everywhere="--namespace oslo.cache --namespace oslo.log --namespace oslo.messaging --namespace oslo.policy --namespace oslo.db"
authtoken="--namespace keystonemiddleware.auth_token --namespace oslo.concurrency"
generate() {
    name=$1
    shift
    # shellcheck disable=SC2086
    "$folder/venv/bin/oslo-config-generator" "$@" $everywhere --output-file "$folder/samples/$name.ini"
    # shellcheck disable=SC2086
    "$folder/venv/bin/oslo-config-generator" "$@" $everywhere --format json --output-file "$folder/samples/$name.json"
}
# shellcheck disable=SC2086
{
    generate keystone --namespace keystone
    generate nova --namespace nova.conf $authtoken
    generate cinder --namespace cinder $authtoken
    generate glance-api --namespace glance.api --namespace glance.store $authtoken
}
"$folder/venv/bin/python" "$here/options.py" "$repository" "$folder/samples" "$here"
"$folder/venv/bin/python" "$here/record.py" "$here/cases.json"
