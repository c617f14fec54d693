"""Django's names: models, what querysets return, views, signals, transactions."""

from __future__ import annotations

from typing import Final

# Classes that are models, abstract ones too: whoever inherits from one is a model.
MODEL_BASES: Final = frozenset(
    {
        *("django.db.models.Model", "django.db.models.base.Model", "django.contrib.gis.db.models.Model"),
        *("django.contrib.auth.models.AbstractUser", "django.contrib.auth.models.AbstractBaseUser"),
        *("django.contrib.auth.models.PermissionsMixin", "django.contrib.auth.base_user.AbstractBaseUser"),
        *("django.contrib.auth.models.User", "django.contrib.auth.models.Group"),
        *("django.contrib.auth.models.Permission", "django.contrib.contenttypes.models.ContentType"),
        *("django.contrib.sessions.models.Session", "django.contrib.sessions.base_session.AbstractBaseSession"),
        *("django.contrib.sites.models.Site", "django.contrib.flatpages.models.FlatPage"),
        *("django.contrib.redirects.models.Redirect", "django.contrib.admin.models.LogEntry"),
        *("polymorphic.models.PolymorphicModel", "mptt.models.MPTTModel", "treebeard.models.Node"),
        *("treebeard.mp_tree.MP_Node", "treebeard.ns_tree.NS_Node", "treebeard.al_tree.AL_Node"),
        *("model_utils.models.TimeStampedModel", "model_utils.models.TimeFramedModel"),
        *("model_utils.models.StatusModel", "model_utils.models.SoftDeletableModel", "model_utils.models.UUIDModel"),
        *("django_extensions.db.models.TimeStampedModel", "django_extensions.db.models.TitleDescriptionModel"),
        *("django_extensions.db.models.TitleSlugDescriptionModel", "django_extensions.db.models.ActivatorModel"),
        *("taggit.models.TagBase", "taggit.models.Tag", "taggit.models.ItemBase", "taggit.models.TaggedItem"),
        *("taggit.models.TaggedItemBase", "taggit.models.GenericTaggedItemBase"),
        *("taggit.models.CommonGenericTaggedItemBase", "taggit.models.GenericUUIDTaggedItemBase"),
        *("oauth2_provider.models.AbstractApplication", "oauth2_provider.models.AbstractGrant"),
        *("oauth2_provider.models.AbstractAccessToken", "oauth2_provider.models.AbstractRefreshToken"),
        *("oauth2_provider.models.AbstractIDToken", "oauth2_provider.models.Application"),
        *("oauth2_provider.models.AccessToken", "oauth2_provider.models.RefreshToken", "oauth2_provider.models.Grant"),
        *("guardian.models.UserObjectPermission", "guardian.models.GroupObjectPermission"),
        *("guardian.models.UserObjectPermissionBase", "guardian.models.GroupObjectPermissionBase"),
        *("guardian.models.UserObjectPermissionAbstract", "guardian.models.GroupObjectPermissionAbstract"),
        *("rest_framework.authtoken.models.Token", "modelcluster.models.ClusterableModel"),
        *("wagtail.models.Page", "wagtail.models.AbstractPage", "wagtail.models.Orderable", "wagtail.models.Site"),
        *("wagtail.models.Locale", "wagtail.models.TranslatableMixin", "wagtail.models.DraftStateMixin"),
        *("wagtail.models.RevisionMixin", "wagtail.models.LockableMixin", "wagtail.models.Collection"),
        *("wagtail.models.CollectionMember", "wagtail.models.Revision", "wagtail.core.models.Page"),
        *("wagtail.core.models.Orderable", "wagtail.images.models.Image", "wagtail.images.models.AbstractImage"),
        *("wagtail.images.models.AbstractRendition", "wagtail.documents.models.Document"),
        *("wagtail.documents.models.AbstractDocument", "wagtail.contrib.settings.models.BaseSiteSetting"),
        *("wagtail.contrib.settings.models.BaseGenericSetting", "wagtail.contrib.forms.models.AbstractForm"),
        "wagtail.contrib.forms.models.AbstractEmailForm",
        *("django_celery_beat.models.PeriodicTask", "django_celery_beat.models.CrontabSchedule"),
        *("django_celery_beat.models.IntervalSchedule", "django_celery_results.models.TaskResult"),
    }
)

QUERYSET_TYPES: Final = frozenset({"django.db.models.QuerySet", "django.db.models.query.QuerySet"})
MANAGER_TYPES: Final = frozenset(
    {
        *("django.db.models.Manager", "django.db.models.manager.Manager", "django.db.models.manager.BaseManager"),
        *("django.contrib.auth.models.UserManager", "django.contrib.auth.models.BaseUserManager"),
        "django.contrib.auth.base_user.BaseUserManager",
    }
)
# Attributes of a model class that are managers, whatever the project adds.
MANAGERS: Final = frozenset({"objects", "_default_manager", "_base_manager"})

# What the methods of querysets and managers return, in words: "instance", "instance or none", "pair" (an instance and
# whether it is new), "instances" (a list or an iterator), "mapping" (key to instance), "queryset", "rows" (a queryset
# of dicts, tuples or values), "raw" (a raw queryset), "plain" (none of these).
QUERYSET_METHODS: Final[dict[str, str]] = {
    "get": "instance",
    "create": "instance",
    "earliest": "instance",
    "latest": "instance",
    "first": "instance or none",
    "last": "instance or none",
    "get_or_create": "pair",
    "update_or_create": "pair",
    "bulk_create": "instances",
    "iterator": "instances",
    "in_bulk": "mapping",
    "all": "queryset",
    "alias": "queryset",
    "annotate": "queryset",
    "complex_filter": "queryset",
    "defer": "queryset",
    "difference": "queryset",
    "distinct": "queryset",
    "exclude": "queryset",
    "extra": "queryset",
    "fetch_mode": "queryset",
    "filter": "queryset",
    "intersection": "queryset",
    "none": "queryset",
    "only": "queryset",
    "order_by": "queryset",
    "prefetch_related": "queryset",
    "reverse": "queryset",
    "select_for_update": "queryset",
    "select_related": "queryset",
    "union": "queryset",
    "using": "queryset",
    "get_queryset": "queryset",
    "db_manager": "queryset",
    "values": "rows",
    "values_list": "rows",
    "dates": "rows",
    "datetimes": "rows",
    "raw": "raw",
    "aggregate": "plain",
    "bulk_update": "plain",
    "contains": "plain",
    "count": "plain",
    "delete": "plain",
    "exists": "plain",
    "explain": "plain",
    "update": "plain",
    "aget": "instance",
    "acreate": "instance",
    "aearliest": "instance",
    "alatest": "instance",
    "afirst": "instance or none",
    "alast": "instance or none",
    "aget_or_create": "pair",
    "aupdate_or_create": "pair",
    "abulk_create": "instances",
    "aiterator": "instances",
    "ain_bulk": "mapping",
    "aaggregate": "plain",
    "abulk_update": "plain",
    "acontains": "plain",
    "acount": "plain",
    "adelete": "plain",
    "aexists": "plain",
    "aexplain": "plain",
    "aupdate": "plain",
}
INSTANCE_RETURNING: Final = frozenset(
    name for name, kind in QUERYSET_METHODS.items() if kind in {"instance", "instance or none"}
)
NONE_RETURNING: Final = frozenset(name for name, kind in QUERYSET_METHODS.items() if kind == "instance or none")
PAIR_RETURNING: Final = frozenset(name for name, kind in QUERYSET_METHODS.items() if kind == "pair")
QUERYSET_RETURNING: Final = frozenset(name for name, kind in QUERYSET_METHODS.items() if kind == "queryset")
ROWS_RETURNING: Final = frozenset(name for name, kind in QUERYSET_METHODS.items() if kind == "rows")
# Methods that write rows, of querysets and managers.
QUERYSET_WRITES: Final = frozenset(
    {
        *("create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update", "delete"),
        *("acreate", "aget_or_create", "aupdate_or_create", "abulk_create", "abulk_update", "aupdate", "adelete"),
    }
)

# Methods of instances.
MODEL_SAVES: Final = frozenset({"save", "asave", "save_base"})
MODEL_DELETES: Final = frozenset({"delete", "adelete"})
MODEL_RELOADS: Final = frozenset({"refresh_from_db", "arefresh_from_db"})

# Fields whose attribute is an instance of the other model, and those whose attribute is a manager.
INSTANCE_FIELDS: Final = frozenset(
    {
        *("django.db.models.ForeignKey", "django.db.models.OneToOneField"),
        *("django.db.models.fields.related.ForeignKey", "django.db.models.fields.related.OneToOneField"),
        *("django.contrib.gis.db.models.ForeignKey", "django.contrib.gis.db.models.OneToOneField"),
        *("django.contrib.contenttypes.fields.GenericForeignKey", "mptt.fields.TreeForeignKey"),
        *("mptt.fields.TreeOneToOneField", "mptt.models.TreeForeignKey", "mptt.models.TreeOneToOneField"),
        "modelcluster.fields.ParentalKey",
    }
)
MANAGER_FIELDS: Final = frozenset(
    {
        *("django.db.models.ManyToManyField", "django.db.models.fields.related.ManyToManyField"),
        *("django.contrib.gis.db.models.ManyToManyField", "django.contrib.contenttypes.fields.GenericRelation"),
        *("mptt.fields.TreeManyToManyField", "mptt.models.TreeManyToManyField"),
    }
)

# Functions that return instances, with the words of QUERYSET_METHODS.
SHORTCUTS: Final[dict[str, str]] = {
    "django.shortcuts.get_object_or_404": "instance",
    "django.shortcuts.aget_object_or_404": "instance",
    "django.shortcuts.get_list_or_404": "instances",
    "django.shortcuts.aget_list_or_404": "instances",
    "rest_framework.generics.get_object_or_404": "instance",
    "django.contrib.auth.get_user": "instance",
    "django.contrib.auth.aget_user": "instance",
    "django.contrib.auth.authenticate": "instance or none",
    "django.contrib.auth.aauthenticate": "instance or none",
}
# Functions that return a model class.
MODEL_GETTERS: Final = frozenset(
    {
        *("django.contrib.auth.get_user_model", "django.apps.apps.get_model"),
        *("oauth2_provider.models.get_application_model", "oauth2_provider.models.get_access_token_model"),
        *("wagtail.images.get_image_model", "wagtail.documents.get_document_model"),
        *("guardian.utils.get_user_obj_perms_model", "guardian.utils.get_group_obj_perms_model"),
    }
)

# Requests, whose attribute `user` (and `await auser()`) is a user.
REQUEST_TYPES: Final = frozenset(
    {
        *("django.http.HttpRequest", "django.http.request.HttpRequest", "django.core.handlers.wsgi.WSGIRequest"),
        *("django.core.handlers.asgi.ASGIRequest", "rest_framework.request.Request"),
    }
)

# Forms and serializers whose `save()` returns an instance and whose `instance` is one; then those that return a list.
FORM_BASES: Final = frozenset(
    {
        *("django.forms.ModelForm", "django.forms.models.ModelForm", "django.forms.models.BaseModelForm"),
        *("django.forms.BaseModelForm", "django.contrib.auth.forms.UserCreationForm"),
        *("django.contrib.auth.forms.BaseUserCreationForm", "django.contrib.auth.forms.UserChangeForm"),
        *("django.contrib.auth.forms.AdminUserCreationForm", "django.contrib.auth.forms.SetPasswordForm"),
        *("django.contrib.auth.forms.PasswordChangeForm", "rest_framework.serializers.ModelSerializer"),
        "rest_framework.serializers.HyperlinkedModelSerializer",
    }
)
FORMSET_BASES: Final = frozenset(
    {
        *("django.forms.BaseModelFormSet", "django.forms.models.BaseModelFormSet"),
        *("django.forms.BaseInlineFormSet", "django.forms.models.BaseInlineFormSet"),
        *("django.forms.modelformset_factory", "django.forms.inlineformset_factory"),
        *("django.forms.models.modelformset_factory", "django.forms.models.inlineformset_factory"),
    }
)

VIEW_BASES: Final = frozenset(
    {
        *("django.views.View", "django.views.generic.View", "django.views.generic.base.View"),
        *("django.views.generic.TemplateView", "django.views.generic.base.TemplateView"),
        *("django.views.generic.RedirectView", "django.views.generic.base.RedirectView"),
        *("django.views.generic.DetailView", "django.views.generic.detail.DetailView"),
        *("django.views.generic.ListView", "django.views.generic.list.ListView"),
        *("django.views.generic.FormView", "django.views.generic.edit.FormView"),
        *("django.views.generic.CreateView", "django.views.generic.edit.CreateView"),
        *("django.views.generic.UpdateView", "django.views.generic.edit.UpdateView"),
        *("django.views.generic.DeleteView", "django.views.generic.edit.DeleteView"),
        *("django.views.generic.ArchiveIndexView", "django.views.generic.YearArchiveView"),
        *("django.views.generic.MonthArchiveView", "django.views.generic.WeekArchiveView"),
        *("django.views.generic.DayArchiveView", "django.views.generic.TodayArchiveView"),
        *("django.views.generic.DateDetailView", "django.contrib.auth.views.LoginView"),
        *("django.contrib.auth.views.LogoutView", "django.contrib.auth.views.PasswordResetView"),
        *("django.contrib.auth.views.PasswordChangeView", "rest_framework.views.APIView"),
        *("rest_framework.generics.GenericAPIView", "rest_framework.generics.CreateAPIView"),
        *("rest_framework.generics.ListAPIView", "rest_framework.generics.RetrieveAPIView"),
        *("rest_framework.generics.DestroyAPIView", "rest_framework.generics.UpdateAPIView"),
        *("rest_framework.generics.ListCreateAPIView", "rest_framework.generics.RetrieveUpdateAPIView"),
        *("rest_framework.generics.RetrieveDestroyAPIView", "rest_framework.generics.RetrieveUpdateDestroyAPIView"),
        *("rest_framework.viewsets.ViewSet", "rest_framework.viewsets.GenericViewSet"),
        *("rest_framework.viewsets.ModelViewSet", "rest_framework.viewsets.ReadOnlyModelViewSet"),
    }
)
# The admin's classes, what marks a function as one of its actions, and what says which model a class is for.
ADMIN_BASES: Final = frozenset({"django.contrib.admin.ModelAdmin", "django.contrib.admin.options.ModelAdmin"})
ADMIN_ACTIONS: Final = frozenset({"django.contrib.admin.action", "django.contrib.admin.decorators.action"})
ADMIN_REGISTERS: Final = frozenset({"django.contrib.admin.register", "django.contrib.admin.decorators.register"})
# Methods and attributes of views, with the words of QUERYSET_METHODS.
VIEW_MEMBERS: Final[dict[str, str]] = {
    "get_object": "instance",
    "object": "instance",
    "get_queryset": "queryset",
    "filter_queryset": "queryset",
    "object_list": "queryset",
}
# Methods of a view that run as the request, within ATOMIC_REQUESTS.
VIEW_HANDLERS: Final = frozenset(
    {
        *("get", "post", "put", "patch", "delete", "head", "options", "trace", "dispatch", "form_valid"),
        *("list", "create", "retrieve", "update", "partial_update", "destroy"),
        *("perform_create", "perform_update", "perform_destroy"),
    }
)
# Decorators that show a function to be a view.
VIEW_DECORATORS: Final = frozenset(
    {
        *("django.contrib.auth.decorators.login_required", "django.contrib.auth.decorators.permission_required"),
        *("django.contrib.auth.decorators.user_passes_test", "django.contrib.auth.decorators.login_not_required"),
        "django.contrib.admin.views.decorators.staff_member_required",
        *("django.views.decorators.http.require_http_methods", "django.views.decorators.http.require_GET"),
        *("django.views.decorators.http.require_POST", "django.views.decorators.http.require_safe"),
        *("django.views.decorators.http.condition", "django.views.decorators.http.etag"),
        *("django.views.decorators.http.last_modified", "django.views.decorators.http.conditional_page"),
        *("django.views.decorators.csrf.csrf_exempt", "django.views.decorators.csrf.csrf_protect"),
        *("django.views.decorators.csrf.ensure_csrf_cookie", "django.views.decorators.csrf.requires_csrf_token"),
        *("django.views.decorators.cache.cache_page", "django.views.decorators.cache.cache_control"),
        *("django.views.decorators.cache.never_cache", "django.views.decorators.gzip.gzip_page"),
        *("django.views.decorators.vary.vary_on_headers", "django.views.decorators.vary.vary_on_cookie"),
        *("django.views.decorators.clickjacking.xframe_options_exempt",),
        *("django.views.decorators.clickjacking.xframe_options_deny",),
        *("django.views.decorators.clickjacking.xframe_options_sameorigin",),
        *("django.views.decorators.common.no_append_slash",),
        *("django.views.decorators.debug.sensitive_post_parameters",),
        *("django.db.transaction.non_atomic_requests", "rest_framework.decorators.api_view"),
    }
)
# What a view returns: functions, and the modules with classes of responses.
RESPONSES: Final = frozenset({"django.shortcuts.render", "django.shortcuts.redirect"})
RESPONSE_MODULES: Final = ("django.http.", "django.template.response.")

# Signals, to the arguments of their receivers that are instances.
SIGNALS: Final[dict[str, tuple[str, ...]]] = {
    "django.db.models.signals.post_init": ("instance",),
    "django.db.models.signals.pre_save": ("instance",),
    "django.db.models.signals.post_save": ("instance",),
    "django.db.models.signals.pre_delete": ("instance",),
    "django.db.models.signals.post_delete": ("instance",),
    "django.db.models.signals.m2m_changed": ("instance",),
    "django.contrib.auth.signals.user_logged_in": ("user",),
    "django.contrib.auth.signals.user_logged_out": ("user",),
    "django.contrib.auth.user_logged_in": ("user",),
    "django.contrib.auth.user_logged_out": ("user",),
}
# Signals that are sent while a row is written, where a transaction may be open.
SAVE_SIGNALS: Final = frozenset(name for name in SIGNALS if name.endswith(("_save", "_delete", "m2m_changed")))
# Classes of signals, and what makes a receiver of a function.
SIGNAL_TYPES: Final = frozenset({"django.dispatch.Signal", "django.dispatch.dispatcher.Signal"})
RECEIVERS: Final = frozenset({"django.dispatch.receiver", "django.dispatch.dispatcher.receiver"})

# Transactions: what opens one (a block or a decorator), what waits for its end, what keeps a view out, what ends one.
ATOMIC: Final = frozenset({"django.db.transaction.atomic", "django.db.transaction.Atomic"})
ON_COMMIT: Final = frozenset({"django.db.transaction.on_commit", "django.db.connection.on_commit"})
NON_ATOMIC: Final = frozenset({"django.db.transaction.non_atomic_requests"})
ENDS_TRANSACTION: Final = frozenset(
    {
        *("django.db.transaction.commit", "django.db.transaction.rollback", "django.db.connection.commit"),
        *("django.db.connection.rollback",),
    }
)
AUTOCOMMIT: Final = frozenset({"django.db.transaction.set_autocommit", "django.db.connection.set_autocommit"})
# Their parameters, by position.
TRANSACTION_POSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "atomic": ("using", "savepoint", "durable"),
    "on_commit": ("func", "using", "robust"),
    "set_autocommit": ("autocommit", "using"),
}
