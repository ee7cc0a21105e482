"""What must always be true of jobs."""

from poweroptix.doctor import invariant


@invariant("jobs.references", "Tenant and person of every job exist.")
def references(cursor):
    """Jobs have no foreign-key constraints, so this proves what those would."""
    cursor.execute(
        """
        SELECT 'job ' || j.id || ' names a tenant that does not exist' FROM jobs_job j
         WHERE j.tenant_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM accounts_tenant t WHERE t.id = j.tenant_id)
        UNION ALL
        SELECT 'job ' || j.id || ' names a person who does not exist' FROM jobs_job j
         WHERE j.created_by_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = j.created_by_id)
         LIMIT 50
        """
    )
    return [row[0] for row in cursor.fetchall()]


@invariant("jobs.ends", "Every claimed job ends: no lease ran out more than ten minutes ago.")
def ends(cursor):
    """Find jobs that no worker took up again and no sweep buried: nobody is working."""
    cursor.execute(
        "SELECT id, owner FROM jobs_job WHERE state = 'running' "
        "AND lease_until < clock_timestamp() - interval '10 minutes' LIMIT 50"
    )
    return [f"job {row[0]} was left by {row[1]}" for row in cursor.fetchall()]
